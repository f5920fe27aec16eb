// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadConfig, localfsConfig } from '../src/config.ts'
import { recorded } from './recorded-api.ts'

const registry = {
  device: {
    id: '/42',
    backend: {
      type: 'registry',
      config: {
        readahead: true,
        host: 'registry.example',
        repo: 'a/b',
        auth: 'dXNlcjpzZWNyZXQ=',
        registry_token: 'tok3n',
        mirrors: [],
      },
    },
    cache: {
      type: 'blobcache',
      compressed: false,
      config: { work_dir: '/cache', disable_indexed_map: false },
    },
  },
  mode: 'direct',
  enable_xattr: true,
  amplify_io: 131072,
  fs_prefetch: {
    enable: true,
    prefetch_all: false,
    threads_count: 8,
    merging_size: 1048576,
    bandwidth_rate: 0,
  },
  warmup: 0,
  id_mapping: [0, 0, 0],
}

function write(content: unknown): string {
  const directory = mkdtempSync(join(tmpdir(), 'config-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'config.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

/** A copy of `document` with the member at `path` replaced. */
function withMember(document: object, path: string, value: unknown): unknown {
  const copy = structuredClone(document) as Record<string, unknown>
  const names = path.split('.')
  const last = names.pop() ?? ''
  const parent = names.reduce((object, name) => object[name] as Record<string, unknown>, copy)
  parent[last] = value
  return copy
}

describe('loadConfig', () => {
  it('reads what the snapshotter writes', async () => {
    const config = await loadConfig(write(registry), {})
    expect(config).toMatchObject({
      id: '/42',
      cacheDir: '/cache',
      amplifyBytes: 131072,
      validate: false,
      prefetch: true,
    })
    expect(config.backend).toMatchObject({
      type: 'registry',
      config: { scheme: 'https', host: 'registry.example', repo: 'a/b' },
    })
  })

  it('lets IMAGE_PULL_AUTH replace the credentials of the file', async () => {
    const config = await loadConfig(write(registry), { IMAGE_PULL_AUTH: 'b3RoZXI6b25l' })
    expect(config.backend.config).toMatchObject({ auth: 'b3RoZXI6b25l' })
    const localfs = withMember(registry, 'device.backend', { type: 'localfs', config: { dir: '/d' } })
    expect((await loadConfig(write(localfs), { IMAGE_PULL_AUTH: 'b3RoZXI6b25l' })).backend.type).toBe(
      'localfs',
    )
  })

  it('describes itself without secrets', async () => {
    const { description } = await loadConfig(write(registry), { IMAGE_PULL_AUTH: 'b3RoZXI6b25l' })
    expect(description).toMatchObject({
      backend: { registry: { auth: null, registry_token: null, host: 'registry.example' } },
    })
    expect(JSON.stringify(description)).not.toMatch(/dXNlcjpzZWNyZXQ|tok3n|b3RoZXI6b25l/)
  })

  it('describes itself as the original describes the same configuration', async () => {
    const [exchange] = recorded('dedicated-running').filter(
      ({ request }) => request?.path === '/api/v1/daemon',
    )
    const body = exchange?.response?.body as {
      backend_collection: { '/': { config: Record<string, unknown> } }
    }
    const given = {
      device: {
        id: '/',
        backend: { type: 'localfs', config: { dir: '{IMAGE}/blobs' } },
        cache: { type: 'blobcache', config: { work_dir: '{TMP}/c1' } },
      },
      mode: 'direct',
      enable_xattr: true,
      fs_prefetch: { enable: false, threads_count: 2, merging_size: 131072, prefetch_all: false },
    }
    const { description } = await loadConfig(write(given), {})
    expect(description).toEqual(body.backend_collection['/'].config)
  })

  it.each([
    ['device.backend.type', 'oss', /oss.*registry, localfs/],
    ['device.backend.config.host', undefined, /device.backend.config.host/],
    ['device.backend.config.scheme', 'ftp', /device.backend.config.scheme/],
    ['device.cache.type', 'dummycache', /device.cache.type.*not supported/],
    ['device.cache.compressed', true, /compressed cache is not supported/],
    ['device.cache.config.enable_encryption', true, /encrypted cache is not supported/],
    ['mode', 'other', /mode/],
    ['amplify_io', 0x1000_0001, /amplify_io/],
    ['amplify_io', '1', /amplify_io/],
    ['fs_prefetch.threads_count', 1025, /fs_prefetch.threads_count/],
    ['device', undefined, /device/],
  ])('refuses %s %j and names it', async (path, value, message) => {
    await expect(loadConfig(write(withMember(registry, path, value)), {})).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringMatching(message),
    })
  })

  it('never repeats what the file holds', async () => {
    const broken = `${JSON.stringify(registry)} trailing`
    for (const content of [broken, withMember(registry, 'device.backend.config.registry_token', 12345678)]) {
      const error: unknown = await loadConfig(write(content), {}).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
      expect(String(error)).not.toMatch(/dXNlcjpzZWNyZXQ|tok3n|12345678/)
    }
  })

  it('refuses a file that is missing or too large', async () => {
    await expect(loadConfig('/no/such/file', {})).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    await expect(loadConfig(write(`"${'x'.repeat(1 << 20)}"`), {})).rejects.toThrow(/at most 1048576/)
  })
})

describe('localfsConfig', () => {
  it('puts blobs and cache into one directory', () => {
    expect(localfsConfig('/d')).toMatchObject({
      cacheDir: '/d',
      backend: { type: 'localfs', config: { dir: '/d' } },
      description: { cache: { filecache: { work_dir: '/d' } }, backend: { localfs: { dir: '/d' } } },
    })
  })
})
