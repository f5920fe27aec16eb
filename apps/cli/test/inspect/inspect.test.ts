// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto'
import { join } from 'node:path'
import { startRegistry, type TestRegistry } from '@nydus/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ImageReport } from '../../src/inspect/image-report.ts'
import { call } from '../call.ts'
import { goldenImage, goldens, pushGolden } from '../golden-image.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

const inspect = (...argv: readonly string[]) => call(['inspect', ...argv])

/** The entries that `ls --json` prints. */
function entriesOf(stdout: string): { path: string; type: string; size: number }[] {
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as { path: string; type: string; size: number })
}

async function registryWith(...ids: readonly string[]): Promise<TestRegistry> {
  const registry = await startRegistry()
  onTestFinished(() => registry.close())
  for (const id of ids) await pushGolden(id, `${registry.host}/app:${id}`)
  return registry
}

describe('inspect IMAGE', () => {
  it('tells what an image is made of, for people and for programs', async () => {
    const { host } = await registryWith('image-default')
    const image = `${host}/app:image-default`
    const text = await inspect(image, '--plain-http', '--platform', 'linux/amd64')
    expect(text).toMatchObject({ status: 0, stderr: '' })
    expect(text.stdout).toMatch(/^kind: +Nydus, RAFS v6, linux\/amd64$/m)
    expect(text.stdout).toMatch(/^ {2}\w{12} .* bootstrap /m)
    const json = await inspect(image, '--plain-http', '--json', '--platform', 'linux/amd64')
    const report = JSON.parse(json.stdout)
    expect(report).toMatchObject({ kind: 'nydus', rafs: { fsVersion: 6, prefetch: ['/'] } })
    expect(report.layers.map(({ role }: { role: string }) => role)).toEqual([
      ...['blob', 'blob', 'blob', 'blob'],
      'bootstrap',
    ])
    expect(report.rafs.blobs.every(({ isLayer }: { isLayer: boolean }) => isLayer)).toBe(true)
    expect(report.rafs.chunks.stored).toBeGreaterThan(0)
  })

  it('lists what else is in an index', async () => {
    const place = `oci:${temporaryDirectory()}:1`
    await pushGolden('image-all-platforms-merge', place)
    const { stdout } = await inspect(place, '--json', '--platform', 'linux/arm64')
    const { index, kind } = JSON.parse(stdout) as ImageReport
    expect(kind).toBe('nydus')
    expect(index?.map((entry) => `${entry.platform} ${entry.kind}`).sort()).toEqual([
      ...['linux/amd64 nydus', 'linux/amd64 oci'],
      ...['linux/arm64 nydus', 'linux/arm64 oci'],
    ])
    const text = await inspect(place, '--platform', 'linux/arm64')
    expect(text.stdout).toMatch(/^index: .*linux\/amd64 \(oci, \w{12}\)/m)
  })

  it('shows the layers of an OCI image too', async () => {
    const { host } = await registryWith('image-source-bb-oci')
    const { stdout } = await inspect(`${host}/app:image-source-bb-oci`, '--plain-http')
    expect(stdout).toMatch(/^kind: +oci, /m)
    const refused = await inspect('ls', `${host}/app:image-source-bb-oci`, '/', '--plain-http')
    expect(refused).toMatchObject({ status: 3 })
    expect(refused.stderr).toMatch(/is not a Nydus image \(ERR_IMAGE_NOT_NYDUS\)\nhint: convert it first/)
  })
})

describe('inspect cat', () => {
  it.each(['image-default', 'image-v5', 'image-batch', 'image-chunk-size'])(
    'reads one file of %s by ranges of the blobs that hold it',
    async (id) => {
      const registry = await registryWith(id)
      const image = `${registry.host}/app:${id}`
      const listing = await inspect('ls', image, '-R', '--json', '--plain-http', '--platform', 'linux/amd64')
      const files = entriesOf(listing.stdout).filter(({ type, size }) => type === 'file' && size > 0)
      const [smallest] = files.toSorted((a, b) => a.size - b.size)
      if (smallest === undefined) throw new Error('no file')
      registry.requests.length = 0
      const { bytes, status } = await inspect(
        'cat',
        image,
        smallest.path,
        '--plain-http',
        '--platform',
        'linux/amd64',
      )
      expect(status).toBe(0)
      expect(bytes.length).toBe(smallest.size)
      const manifest = JSON.parse(Buffer.from(goldens.read(goldenImage(id).manifest)).toString())
      const blobs = new Set<string>(
        manifest.layers.slice(0, -1).map(({ digest }: { digest: string }) => digest),
      )
      const ofBlobs = registry.requests.filter(({ reference }) => blobs.has(reference))
      expect(ofBlobs.length).toBeGreaterThan(0)
      expect(ofBlobs.every(({ range }) => range !== undefined)).toBe(true)
      const total = manifest.layers
        .slice(0, -1)
        .reduce((sum: number, { size }: { size: number }) => sum + size, 0)
      expect(registry.bytesServed(({ reference }) => blobs.has(reference))).toBeLessThan(total / 2)
    },
  )

  it('reads out of the source layers of a zran image', async () => {
    const { host } = await registryWith('image-source-mini-oci', 'image-oci-ref', 'image-default')
    const flags = ['--plain-http', '--platform', 'linux/amd64']
    const listing = await inspect('ls', `${host}/app:image-default`, '-R', '--json', ...flags)
    const files = entriesOf(listing.stdout)
      .filter(({ type }) => type === 'file')
      .slice(0, 5)
    for (const { path } of files) {
      const plain = await inspect('cat', `${host}/app:image-default`, path, ...flags)
      const zran = await inspect('cat', `${host}/app:image-oci-ref`, path, ...flags)
      expect(hash('sha256', zran.bytes)).toBe(hash('sha256', plain.bytes))
    }
    expect(files.length).toBe(5)
  })

  it('prints nothing of a damaged chunk', async () => {
    const registry = await registryWith('image-default')
    const damaged = { do: 'corrupt', atByte: 2 } as const
    const times = Number.POSITIVE_INFINITY
    registry.fault({ on: { kind: 'blob', method: 'GET' }, skip: 2, times, action: damaged }) // behind config and bootstrap
    const argv = ['cat', `${registry.host}/app:image-default`, '/shared-data', '--plain-http']
    const { status, stderr, bytes } = await inspect(...argv, '--platform', 'linux/amd64')
    expect(status).toBe(3)
    expect(stderr).toMatch(/\(ERR_(DIGEST_MISMATCH|DECOMPRESS_FAILED)\)/)
    expect(bytes.length).toBe(0)
  })

  it('refuses what is no file, and paths that are not there', async () => {
    const place = `oci:${temporaryDirectory()}:1`
    await pushGolden('image-default', place)
    const flags = ['--platform', 'linux/amd64']
    expect(await inspect('cat', place, '/', ...flags)).toMatchObject({ status: 2 })
    const missing = await inspect('cat', place, '/no/such/file', ...flags)
    expect(missing.stderr).toMatch(/"\/no\/such\/file" is not in the image: \/ has no such entry/)
    expect(missing.bytes.length).toBe(0)
  })
})

describe('inspect diff and du', () => {
  it('finds no difference between RAFS versions and chunk sizes of one image', async () => {
    const directory = temporaryDirectory()
    const place = (id: string) => `oci:${join(directory, id)}:1`
    for (const id of ['image-default', 'image-v5', 'image-chunk-size', 'image-bb-default']) {
      await pushGolden(id, place(id))
    }
    const flags = ['--platform', 'linux/amd64']
    for (const id of ['image-v5', 'image-chunk-size']) {
      const same = await inspect('diff', place('image-default'), place(id), ...flags)
      expect(same).toMatchObject({ status: 0, stderr: '' })
      expect(same.stdout).toMatch(/^0 paths differ; /)
    }
    const other = await inspect('diff', place('image-default'), place('image-bb-default'), '--json', ...flags)
    expect(other.status).toBe(1)
    const { differences } = JSON.parse(other.stdout)
    const kinds = new Set(differences.map(({ kind }: { kind: string }) => kind))
    expect(kinds.has('removed') && kinds.has('added')).toBe(true)
  })

  it('adds up directories', async () => {
    const place = `oci:${temporaryDirectory()}:1`
    await pushGolden('image-default', place)
    const flags = ['--platform', 'linux/amd64', '--json']
    const { stdout } = await inspect('du', place, '/', '--depth', '1', ...flags)
    const used = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const report = JSON.parse((await inspect(place, ...flags)).stdout)
    expect(used[0]).toMatchObject({ path: '/', bytes: report.rafs.dataSize })
    expect(used[0].storedBytes).toBeGreaterThan(0)
    expect(
      used.slice(1).reduce((sum: number, { bytes }: { bytes: number }) => sum + bytes, 0),
    ).toBeLessThanOrEqual(used[0].bytes)
  })
})

describe('the command line of inspect', () => {
  it.each([
    [[], /0 operands: expected nydus inspect IMAGE/],
    [['ls', 'a', 'b', 'c'], /3 operands: expected nydus inspect ls IMAGE \[PATH\]/],
    [['a', 'b'], /2 operands: expected nydus inspect IMAGE/],
    [['a', '--backend-config', '{}'], /--backend-type is missing/],
    [['du', 'a', '--depth', 'x'], /--depth "x": expected a number/],
  ])('%j is refused', async (argv, message) => {
    const { status, stderr } = await inspect(...argv)
    expect(status).toBe(2)
    expect(stderr).toMatch(message)
  })
})
