// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkImage } from '@nydus/checker'
import { openBootstrap } from '@nydus/rafs-format'
import { startRegistry } from '@nydus/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { generateDictionary } from '../../src/chunkdict/generate-dictionary.ts'
import { call } from '../call.ts'
import { pushGolden } from '../golden-image.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

describe('generateDictionary', () => {
  it('learns from the versions of an image and pushes a dictionary with its blobs', async () => {
    const registry = await startRegistry()
    onTestFinished(() => registry.close())
    const { host } = registry
    const sources = ['1.0', '1.1', '1.2'].map((version) => `${host}/app:${version}`)
    for (const source of sources) await pushGolden('image-default', source)
    const workDir = join(temporaryDirectory(), 'work')
    const result = await generateDictionary({
      sources,
      target: `${host}/dict:1`,
      plainHttp: true,
      platform: 'linux/amd64',
      workDir,
    })
    expect(result.chunkCount).toBeGreaterThan(0)
    const bootstrap = openBootstrap(readFileSync(result.bootstrap))
    expect(bootstrap.blobs.map(({ blobId }) => blobId)).toEqual(result.blobIds)
    expect(JSON.parse(readFileSync(join(workDir, 'nydus_bootstrap_output.json'), 'utf8'))).toMatchObject({
      blobs: result.blobIds,
    })
    const report = await checkImage({ target: `${host}/dict:1`, plainHttp: true, platform: 'linux/amd64' })
    expect(report).toMatchObject({ passed: true })
  })

  it.each([
    [['chunkdict'], /expected chunkdict generate/],
    [['chunkdict', 'generate'], /--sources is missing/],
    [['chunkdict', 'generate', '--sources', ' , '], /a chunk dictionary needs images/],
    [
      ['commit', '--container', 'x', '--target', 'y'],
      /commit is not supported: it needs the API of containerd/,
    ],
  ])('%j is refused', async (argv, message) => {
    const { status, stderr } = await call(argv)
    expect(status).toBe(2)
    expect(stderr).toMatch(message)
  })
})
