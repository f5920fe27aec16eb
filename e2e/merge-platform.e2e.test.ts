// SPDX-License-Identifier: Apache-2.0
/** An index with the original images beside the new ones is a plain image for tools that know nothing of Nydus. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertImage } from '@nydus/cli'
import { startRegistry, type TestRegistry } from '@nydus/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Registry, startDockerRegistry } from './src/registry.ts'
import { must, reasonToSkip } from './src/run.ts'
import { putSmallImage } from './src/small-image.ts'
import { compareTrees, scanTree } from './src/trees.ts'

const skip = reasonToSkip(['docker-registry', 'skopeo', 'umoci', 'python3'])

describe.skipIf(skip !== undefined)(`merge-platform${skip === undefined ? '' : ` (${skip})`}`, () => {
  const work = mkdtempSync(join(tmpdir(), 'nydus-e2e-'))
  const at = (name: string) => join(work, name)
  let source: TestRegistry
  let target: Registry
  let merged: string

  beforeAll(async () => {
    source = await startRegistry()
    target = await startDockerRegistry(at('registry'))
    putSmallImage(source, 'app', '1')
    merged = `${target.host}/e2e/app:merged`
    await convertImage({
      source: `${source.host}/app:1`,
      target: merged,
      plainHttp: true,
      platforms: 'all',
      mergePlatform: true,
      workDir: at('work'),
    })
  })
  afterAll(async () => {
    await Promise.allSettled([source?.close(), target?.close()])
    rmSync(work, { recursive: true, force: true })
  })

  it('skopeo inspects it as the original image with one more layer', async () => {
    const inspect = (image: string) => must(['skopeo', 'inspect', '--tls-verify=false', `docker://${image}`])
    const original = JSON.parse((await inspect(`${source.host}/app:1`)).stdout) as Inspected
    const found = JSON.parse((await inspect(merged)).stdout) as Inspected
    expect(found.Layers.slice(1)).toEqual(original.Layers)
    expect(found.Architecture).toBe(original.Architecture)
  })

  it('umoci unpacks it to the same files', async () => {
    const pull = async (image: string, name: string) => {
      const copy = ['skopeo', 'copy', '--insecure-policy', '--src-tls-verify=false']
      await must([...copy, `docker://${image}`, `oci:${at('layout')}:${name}`])
      await must(['umoci', 'unpack', '--image', `${at('layout')}:${name}`, at(name)])
      return scanTree(join(at(name), 'rootfs'))
    }
    const expected = await pull(`${source.host}/app:1`, 'original')
    expect(expected.size).toBeGreaterThan(5)
    expect(compareTrees(expected, await pull(merged, 'merged'))).toEqual([])
  })
})

interface Inspected {
  readonly Layers: readonly string[]
  readonly Architecture: string
}
