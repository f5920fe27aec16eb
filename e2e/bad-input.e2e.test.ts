// SPDX-License-Identifier: Apache-2.0
/** What people and registries do wrong: one line with a code, the documented exit status, nothing left behind. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buildTar, putImage, startRegistry, type TestRegistry } from '@nydus/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { expectFailure as expectCleanFailure } from './src/failure.ts'
import { type Ended, run, start, until } from './src/run.ts'
import { putSmallImage } from './src/small-image.ts'

let registry: TestRegistry
let work: string
const at = (name: string) => join(work, name)
const reference = (name: string) => `${registry.host}/${name}`

beforeEach(async () => {
  registry = await startRegistry()
  work = mkdtempSync(join(tmpdir(), 'nydus-bad-input-'))
  mkdirSync(at('temporary'))
  // A target that is there already must survive whatever goes wrong.
  registry.putManifest('target', 'v1', { schemaVersion: 2 }, 'application/json')
})
afterEach(async () => {
  await registry.close()
  rmSync(work, { recursive: true, force: true })
})

/** Temporary files go to a directory of the test, so that what is left there is seen. */
const environment = () => ({ TMPDIR: at('temporary'), HOME: work, DOCKER_CONFIG: at('docker') })

function convertCommand(source: string, ...flags: readonly string[]): string[] {
  const target = reference('target:v1')
  return [
    'nydus',
    'convert',
    '--source',
    source,
    '--target',
    target,
    '--plain-http',
    '--work-dir',
    at('tmp'),
    ...flags,
  ]
}
const convert = (source: string, ...flags: readonly string[]) =>
  run(convertCommand(source, ...flags), { env: environment() })

function expectFailure(ended: Ended, status: number, code: string): void {
  expectCleanFailure(ended, status, code)
  expectNothingLeft()
}

function expectNothingLeft(): void {
  expect(readdirSync(work).filter((name) => name === 'tmp')).toEqual([])
  expect(readdirSync(at('temporary'))).toEqual([])
  expect(registry.manifest('target', 'v1')?.document).toEqual({ schemaVersion: 2 })
}

describe('sources that are not there or not images', () => {
  it('names an unknown reference', async () => {
    expectFailure(await convert(reference('no/such:image')), 4, 'ERR_REGISTRY_NOT_FOUND')
    expectFailure(await convert('not a reference'), 2, 'ERR_REFERENCE_INVALID')
  })

  it('says that credentials are missing or wrong', async () => {
    await registry.close()
    registry = await startRegistry({ auth: { scheme: 'basic', username: 'u', password: 'secret-word' } })
    registry.putManifest('target', 'v1', { schemaVersion: 2 }, 'application/json')
    putSmallImage(registry, 'image', 'v1')
    expectFailure(await convert(reference('image:v1')), 4, 'ERR_REGISTRY_UNAUTHORIZED')
    mkdirSync(at('docker'))
    const auth = Buffer.from('u:wrong-word').toString('base64')
    writeFileSync(at('docker/config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }))
    const wrong = await convert(reference('image:v1'))
    expectFailure(wrong, 4, 'ERR_REGISTRY_UNAUTHORIZED')
    expect(wrong.output).not.toContain('wrong-word')
  })

  it('refuses what is no image, and what is a Nydus image already', async () => {
    const type = 'application/vnd.oci.image.manifest.v1+json'
    const config = {
      ...registry.putBlob('artifact', Buffer.from('{}')),
      mediaType: 'application/vnd.example+json',
    }
    registry.putManifest('artifact', 'v1', { schemaVersion: 2, mediaType: type, config, layers: [] }, type)
    expectFailure(await convert(reference('artifact:v1')), 3, 'ERR_IMAGE_NOT_AN_IMAGE')
    putSmallImage(registry, 'image', 'v1')
    const first = await run([
      'nydus',
      'convert',
      '--source',
      reference('image:v1'),
      '--target',
      reference('image:n'),
      '--plain-http',
      '--work-dir',
      at('tmp'),
    ])
    expect(first.status, first.output).toBe(0)
    expectFailure(await convert(reference('image:n')), 3, 'ERR_IMAGE_IS_NYDUS')
  })

  it('says which platform is not there', async () => {
    putSmallImage(registry, 'image', 'v1')
    expectFailure(
      await convert(reference('image:v1'), '--platform', 'linux/riscv64'),
      3,
      'ERR_IMAGE_PLATFORM',
    )
  })
})

describe('layers that are damaged or hostile', () => {
  const small = buildTar([{ path: 'a', content: 'a'.repeat(100_000) }])
  const hostile = (name: string, tar: Uint8Array, stored?: Uint8Array) => {
    putImage(registry, name, 'v1', [stored === undefined ? tar : { tar, stored }])
    return convert(reference(`${name}:v1`))
  }

  it('finds a layer that does not have its digest', async () => {
    const { layers } = putSmallImage(registry, 'image', 'v1')
    registry.corruptBlob(layers[1]?.digest ?? '', 5000)
    const ended = await convert(reference('image:v1'))
    expectFailure(
      ended,
      3,
      ended.output.includes('ERR_DECOMPRESS_FAILED') ? 'ERR_DECOMPRESS_FAILED' : 'ERR_DIGEST_MISMATCH',
    )
  })

  it('finds a truncated gzip and a truncated tar', async () => {
    expectFailure(await hostile('gzip', small, gzipSync(small).subarray(0, -20)), 3, 'ERR_DECOMPRESS_FAILED')
    expectFailure(await hostile('tar', small, gzipSync(small.subarray(0, 50_000))), 3, 'ERR_BUILD_BAD_TAR')
  })

  it('refuses paths that leave the root', async () => {
    const outside = buildTar([{ path: '../../etc/passwd', content: 'x' }])
    expectFailure(await hostile('outside', outside), 3, 'ERR_BUILD_PATH_ESCAPE')
  })

  it('refuses absurd sizes without reserving memory for them', async () => {
    const absurd = buildTar([{ path: 'a', content: 'x', size: 8 ** 11 - 1 }])
    expectFailure(await hostile('absurd', absurd), 3, 'ERR_BUILD_BAD_TAR')
  })
})

describe('registries that fail half-way', () => {
  it('gives up when a layer is cut again and again', async () => {
    const { layers } = putSmallImage(registry, 'image', 'v1')
    const on = { method: 'GET', kind: 'blob', reference: layers[1]?.digest ?? '' } as const
    registry.fault({ on, times: Number.POSITIVE_INFINITY, action: { do: 'cut', afterBytes: 10_000 } })
    const ended = await convert(reference('image:v1'))
    expect(ended.output).toMatch(/ERR_REGISTRY_CONNECTION|ERR_SIZE_MISMATCH/)
    expect([3, 4]).toContain(ended.status)
    expectNothingLeft()
  })

  it('gets over a few bad answers', async () => {
    putSmallImage(registry, 'image', 'v1')
    registry.faults.add(
      { on: { kind: 'manifest' }, action: { do: 'status', status: 503 } },
      { on: { method: 'GET', kind: 'blob' }, action: { do: 'rate-limit' } },
      { on: { method: 'POST', kind: 'upload' }, action: { do: 'drop' } },
    )
    const ended = await convert(reference('image:v1'), '--push-retry-delay', '10ms')
    expect(ended.status, ended.output).toBe(0)
    expect(registry.faults.pending).toEqual([])
    expect(registry.openUploads).toBe(0)
  })

  it('leaves the tag alone when the target takes no more blobs', async () => {
    putSmallImage(registry, 'image', 'v1')
    const on = { kind: 'upload', repository: 'target' } as const
    registry.fault({ on, times: Number.POSITIVE_INFINITY, action: { do: 'status', status: 507 } })
    const ended = await convert(
      reference('image:v1'),
      '--push-retry-count',
      '1',
      '--push-retry-delay',
      '10ms',
    )
    expect(ended.status, ended.output).toBe(4)
    expectNothingLeft()
  })
})

describe('an interruption', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s ends a stalled conversion and leaves nothing',
    async (signal) => {
      const { layers } = putSmallImage(registry, 'image', 'v1')
      const on = { method: 'GET', kind: 'blob', reference: layers[1]?.digest ?? '' } as const
      registry.fault({ on, action: { do: 'stall', afterBytes: 10_000 } })
      const child = start(convertCommand(reference('image:v1')), { env: environment() })
      let output = ''
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (text: Buffer) => (output += text.toString()))
      const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 128)))
      await until(() => registry.faults.pending.length === 0, 'the download stalls')
      child.kill(signal)
      expectFailure({ status: await ended, stdout: '', output }, 130, 'ERR_INTERRUPTED')
    },
  )
})

describe('mounts', () => {
  const mount = (image: string, directory: string) =>
    run(['nydus', 'mount', image, directory, '--plain-http', '--work-dir', at('tmp')], { env: environment() })

  it('say that the mountpoint is missing, is no directory, or the image is not there', async () => {
    putSmallImage(registry, 'image', 'v1')
    const to = reference('image:n')
    const converted = await run([
      'nydus',
      'convert',
      '--source',
      reference('image:v1'),
      '--target',
      to,
      '--plain-http',
      '--work-dir',
      at('tmp'),
    ])
    expect(converted.status, converted.output).toBe(0)
    expectFailure(await mount(to, at('missing')), 5, 'ERR_FUSE_MOUNT_FAILED')
    writeFileSync(at('file'), '')
    expectFailure(await mount(to, at('file')), 5, 'ERR_FUSE_MOUNT_FAILED')
    mkdirSync(at('mnt'))
    expectFailure(await mount(reference('image:none'), at('mnt')), 4, 'ERR_REGISTRY_NOT_FOUND')
    expectFailure(await mount(reference('image:v1'), at('mnt')), 3, 'ERR_IMAGE_NOT_NYDUS')
  })
})
