// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buildTar, putImage, startRegistry } from '@nydus/testkit'
import { describe, expect, it } from 'vitest'
import { run } from '../../src/index.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

async function call(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  let output = ''
  const stream = { write: (text: string) => (output += text) }
  const status = await run(argv, {
    calledAs: 'nydus',
    stdin: Readable.from([]),
    stdout: stream,
    stderr: stream,
    env,
    signal: new AbortController().signal,
  })
  return { status, output }
}

function configFile(text: string): string {
  const path = join(temporaryDirectory(), 'images.yaml')
  writeFileSync(path, text)
  return path
}

async function openRegistry() {
  const registry = await startRegistry()
  const base = buildTar([{ path: 'base', content: Buffer.alloc(50_000, 'base') }])
  putImage(registry, 'app', '1', [base, buildTar([{ path: 'app', content: 'app' }])])
  putImage(registry, 'team/db', '7', [base, buildTar([{ path: 'db', content: 'db' }])])
  return Object.assign(registry, { [Symbol.asyncDispose]: () => registry.close() })
}

describe('convert --config', () => {
  it('converts several images and builds the layer that they share once', async () => {
    await using registry = await openRegistry()
    const config = configFile(`
defaults: { plain-http: true, compressor: lz4_block }
images:
  - { source: '${registry.host}/app:1', target-suffix: -nydus }
  - source: ${registry.host}/team/db:7
    target: ${registry.host}/team/db:7-nydus
    compressor: none
  - { source: '${registry.host}/team/db:7', target: '${registry.host}/team/db:7-lz4', batch-size: 0 }
`)
    const work = join(temporaryDirectory(), 'work')
    const { status, output } = await call([
      'convert',
      '--config',
      config,
      '--work-dir',
      work,
      '--all-platforms',
    ])
    expect(status, output).toBe(0)
    expect(output.match(/^converted /gm)).toHaveLength(3)
    expect(registry.tags('app')).toEqual(['1', '1-nydus'])
    expect(registry.tags('team/db')).toEqual(['7', '7-lz4', '7-nydus'])
    // Two of lz4 for app, two without compression, and of the third image only the upper layer.
    expect(output.match(/: built blob /g)).toHaveLength(5)
    expect(output.match(/ was converted before$/gm)).toHaveLength(1)
    const manifest = (tag: string, name: string) =>
      registry.manifest(name, tag)?.document as { layers: { digest: string }[] }
    expect(manifest('7-lz4', 'team/db').layers[0]).toEqual(manifest('1-nydus', 'app').layers[0])
    const mounts = registry.requests.filter(({ url }) => url.includes('mount=sha256'))
    expect(mounts).toHaveLength(1)
  })

  it('the command line goes before the file', async () => {
    await using registry = await openRegistry()
    const image = `${registry.host}/app:1`
    const config = configFile(
      JSON.stringify({ images: [{ source: image, target: `${image}-n`, 'fs-version': 6 }] }),
    )
    const argv = [
      'convert',
      '--config',
      config,
      '--plain-http',
      '--work-dir',
      join(temporaryDirectory(), 'w'),
    ]
    expect((await call([...argv, '--fs-version', '5', '--all-platforms'])).status).toBe(0)
    expect(registry.manifest('app', '1-n')?.document).toMatchObject({
      annotations: { 'containerd.io/snapshot/nydus-fs-version': '5' },
    })
  })

  it('flags come from the environment too', async () => {
    await using registry = await openRegistry()
    const image = `${registry.host}/app:1`
    const env = {
      SOURCE: image,
      TARGET: `${image}-e`,
      PLAIN_HTTP: 'true',
      FS_VERSION: '5',
      WORK_DIR: join(temporaryDirectory(), 'w'),
      BUILD_CACHE_TAG: 'cache',
    }
    const { status, output } = await call(['convert', '--all-platforms'], env)
    expect(status, output).toBe(0)
    expect(registry.tags('app')).toEqual(['1', '1-e', 'cache'])
  })

  it.each([
    ['images: []', /images: expected a list with at least one image/],
    ['images: [{source: a, targe: b}]', /images\[0\]\.targe: no flag of this kind/],
    ['images: [{source: a, oci: "yes"}]', /images\[0\]\.oci: expected true or false/],
    ['images: [{encrypt-recipients: x}]', /images\[0\]\.encrypt-recipients is not supported/],
    ['image: []', /image: expected defaults or images/],
    ['- a', /expected an object with images/],
    ['images: [', /images\.yaml: /],
  ])('%j is refused', async (text, message) => {
    const { status, output } = await call(['convert', '--config', configFile(text)])
    expect(output).toMatch(message)
    expect(status).toBe(2)
  })

  it.each([
    [['--backend-type', 's3', '--backend-config', '{}'], /--backend-type s3 is not supported/],
    [['--backend-type', 'localfs'], /needs --backend-config/],
    [['--backend-type', 'localfs', '--backend-config', '{}'], /dir is missing/],
    [['--backend-type', 'localfs', '--backend-config', '{'], /is no JSON/],
    [['--build-cache', 'c', '--build-cache-tag', 'd'], /exclude each other/],
    [['--build-cache-max-records', '201'], /expected 1 to 200/],
    [['--fs-version', '5', '--batch-size', '0x1000'], /RAFS 5 has no batches/],
    [['--batch-size', '0x200000'], /batch size 2097152/],
    [['--oci-ref', '--encrypt'], /neither encrypted nor batched/],
    [['--chunk-dict', 'foo'], /invalid args/],
    [['--work-files', 'some'], /expected keep or remove/],
    [['--config', 'none.yaml'], /none\.yaml/],
  ])('%j is refused', async (flags, message) => {
    const { status, output } = await call(['convert', '--source', 'a', '--target', 'b', ...flags])
    expect(output).toMatch(message)
    expect([2, 5]).toContain(status)
  })
})
