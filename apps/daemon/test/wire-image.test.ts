// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs'
import { isNydusError } from '@nydus/base/error'
import type { FetchReport } from '@nydus/chunk-cache'
import { openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type BackendConfig, openBackend } from '../src/backends.ts'
import { configV1 } from '../src/config-schema.ts'
import { wireImage } from '../src/index.ts'
import { startBlobServer } from './blob-server.ts'
import { fixture, load, scratch, unpackImage } from './fixtures.ts'

const ID = 'mixed-tar-v6-zstd-blake3'
const PASSWORD = 'correct horse'

function output(name: 'blob' | 'bootstrap'): Uint8Array {
  const stored = fixture(ID).outputs[name]
  if (stored === undefined) throw new Error(`no ${name}`)
  return load(stored)
}

const bootstrap = openBootstrap(output('bootstrap'))
const [blob] = bootstrap.blobs
if (blob === undefined) throw new Error('no blob')
const whole = { offset: 0, length: blob.uncompressedSize }

function directory() {
  const made = scratch()
  onTestFinished(made.remove)
  return made
}

function registryConfig(config: Readonly<Record<string, unknown>>): BackendConfig {
  const document = {
    device: {
      backend: { type: 'registry', config: { scheme: 'http', repo: 'team/image', ...config } },
      cache: { type: 'blobcache' },
    },
    mode: 'direct',
  }
  return configV1.parse(document).device.backend
}

async function registry(password = PASSWORD) {
  const server = await startBlobServer(
    'team/image',
    new Map([[blob?.blobId ?? '', output('blob')]]),
    `Basic ${Buffer.from(`user:${PASSWORD}`).toString('base64')}`,
  )
  onTestFinished(() => server.close())
  const auth = Buffer.from(`user:${password}`).toString('base64')
  return { server, backend: openBackend(registryConfig({ host: server.host, auth })) }
}

describe('an image from a registry', () => {
  it('is fetched by ranges, once, and then not any more', async () => {
    const { path } = directory()
    const { server, backend } = await registry()
    const reports: FetchReport[] = []
    const image = wireImage({
      bootstrap,
      backend,
      cacheDir: path('cache'),
      onFetch: (report) => reports.push(report),
    })
    const [view] = await Promise.all([image.open(0), image.open(0), image.fill(0, whole)])
    expect(view.blobIndex).toBe(0)
    expect(reports.map(({ reason }) => reason)).toEqual(['meta', 'read'])
    expect(server.requests.filter((line) => line.includes('/blobs/'))).toEqual([
      `GET /v2/team/image/blobs/sha256:${blob.blobId} bytes=26548-30866`,
      `GET /v2/team/image/blobs/sha256:${blob.blobId} bytes=0-26547`,
    ])
    await image.read(0, whole)
    expect(reports).toHaveLength(2)
    expect(image.stats()).toMatchObject([{ blobId: blob.blobId, readyChunks: 22, fetches: 2 }])
    await image.close()
  })

  it('does not need its blob meta where the bootstrap layer shipped it', async () => {
    const { path } = directory()
    const { server, backend } = await registry()
    const meta = Object.entries(fixture('cache-v6-all').outputs).find(([name]) =>
      name.endsWith('.blob.meta'),
    )?.[1]
    if (meta === undefined) throw new Error('no meta')
    const metaFiles = new Map([[blob.blobId, load(meta)]])
    const image = wireImage({ bootstrap, backend, cacheDir: path('cache'), metaFiles })
    await image.open(0)
    await image.close()
    expect(server.requests).toEqual([])
    expect(readdirSync(path('cache'))).toContain(`${blob.blobId}.blob.meta`)
  })

  it('fails without telling the password when it is wrong', async () => {
    const { path } = directory()
    const { backend } = await registry('wrong secret')
    const image = wireImage({ bootstrap, backend, cacheDir: path('cache') })
    const error: unknown = await image.fill(0, whole).catch((thrown: unknown) => thrown)
    expect(isNydusError(error, 'ERR_REGISTRY_UNAUTHORIZED', 'ERR_REGISTRY_DENIED')).toBe(true)
    const everything = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String(error)
    expect(everything).not.toContain('wrong secret')
    expect(everything).not.toContain(Buffer.from('user:wrong secret').toString('base64'))
    await image.close()
  })

  it('ends what is under way when it is closed', async () => {
    const { path } = directory()
    const image = wireImage({
      bootstrap,
      backend: {
        sourceOf: ({ blobId }) => ({
          blobId,
          read: (_, { signal }) =>
            new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
        }),
        close: async () => {},
      },
      cacheDir: path('cache'),
    })
    const filled = expect(image.fill(0, whole)).rejects.toThrow('closed')
    await image.close()
    await filled
    await expect(image.open(0)).rejects.toThrow('closed')
  })

  it('refuses a blob that the bootstrap does not have', async () => {
    const { path } = directory()
    const { backend } = await registry()
    const image = wireImage({ bootstrap, backend, cacheDir: path('cache') })
    await expect(image.open(7)).rejects.toMatchObject({ code: 'ERR_FORMAT_OUT_OF_RANGE' })
    await image.close()
  })
})

describe('openBackend', () => {
  it.each([
    ['ca_cert_files', ['/ca.pem']],
    ['proxy', { url: 'http://proxy' }],
    ['blob_url_scheme', 'http'],
    ['blob_redirected_host', 'elsewhere'],
  ])('refuses %s rather than ignoring it', (name, value) => {
    expect(() => openBackend(registryConfig({ host: 'h.example', [name]: value }))).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(name) }),
    )
  })

  it('refuses credentials that are none, without repeating them', () => {
    const auth = Buffer.from('no colon here').toString('base64')
    expect(() => openBackend(registryConfig({ host: 'h.example', auth }))).toThrow(
      /registry.auth is not the base64 form/,
    )
    expect(() => openBackend(registryConfig({ host: 'h.example', auth }))).not.toThrow(auth)
  })

  it('finds blobs in local directories', async () => {
    const made = directory()
    unpackImage(ID, made)
    const backend = openBackend({
      type: 'localfs',
      config: { dir: '', alt_dirs: [made.path('blobs')], blob_file: '' },
    })
    const image = wireImage({ bootstrap, backend, cacheDir: made.path('cache') })
    expect(await image.read(0, { offset: 0, length: 1 })).toHaveLength(1)
    await image.close()
    expect(() => openBackend({ type: 'localfs', config: { dir: '', alt_dirs: [], blob_file: '' } })).toThrow(
      /needs dir/,
    )
  })
})
