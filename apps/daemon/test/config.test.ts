// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadConfig, localfsConfig, parseConfig } from '../src/config.ts'
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
      prefetch: { enable: true, threads: 8, batch_size: 1048576 },
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
    ['device.cache.config.enable_encryption', true, /encryption_key is not 64 hex digits/],
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

  const KEY = '0123456789abcdef0123456789abcdeffedcba9876543210fedcba9876543210'
  const cacheOf = (compressed: boolean, config: object) =>
    withMember(registry, 'device.cache', { type: 'blobcache', compressed, config })
  const encrypted = { enable_encryption: true, encryption_key: KEY }

  it.each([
    ['plain', false, {}, { kind: 'plain' }],
    ['compressed', true, {}, { kind: 'compressed' }],
    ['compressed, whatever else is asked for', true, encrypted, { kind: 'compressed' }],
    ['encrypted', false, encrypted, { kind: 'encrypted', key: Buffer.from(KEY, 'hex') }],
    [
      'encrypted by content',
      false,
      { ...encrypted, enable_convergent_encryption: true },
      { kind: 'encrypted', key: undefined },
    ],
    [
      'plain, where only the way to encrypt is given',
      false,
      { enable_convergent_encryption: true },
      { kind: 'plain' },
    ],
  ])('knows caches that are %s', async (_, compressed, config, storage) => {
    const loaded = await loadConfig(write(cacheOf(compressed, config)), {})
    expect(loaded.storage).toEqual(storage)
    expect(JSON.stringify(loaded.description)).not.toContain(KEY)
  })

  it.each([KEY.slice(1), `${KEY}00`, KEY.replace('0', 'x'), 'ab'.repeat(32)])(
    'refuses the key %s without repeating it',
    async (key) => {
      const error = await loadConfig(write(cacheOf(false, { ...encrypted, encryption_key: key })), {}).catch(
        String,
      )
      expect(error).toContain('encryption_key')
      expect(error).not.toContain(key)
    },
  )

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

describe('version 2', () => {
  const toml = `
version = 2
id = "/7"
unknown = "ignored"
[backend]
type = "registry"
[backend.registry]
host = "registry.example"
repo = "a/b"
auth = "dXNlcjpzZWNyZXQ="
[backend.registry.proxy]
url = ""
[cache]
type = "blobcache"
[cache.filecache]
work_dir = "/cache"
[rafs]
batch_size = 65536
iostats_files = true
[rafs.prefetch]
enable = true
threads = 3
`

  it('is read as TOML', async () => {
    expect(await loadConfig(write(toml), {})).toMatchObject({
      id: '/7',
      cacheDir: '/cache',
      amplifyBytes: 65536,
      backend: { type: 'registry', config: { host: 'registry.example', auth: 'dXNlcjpzZWNyZXQ=' } },
      prefetch: { enable: true, threads: 3 },
      accounting: { files: true, pattern: false, latest: false },
    })
  })

  it('is read as JSON, with the environment before the file', () => {
    const document = {
      version: 2,
      backend: { type: 'registry', registry: { host: 'h:1', repo: 'r', auth: 'b2xk' } },
      cache: { type: 'filecache' },
      something: [1],
    }
    const config = parseConfig(JSON.stringify(document), 'x', { IMAGE_PULL_AUTH: 'bmV3' })
    expect(config).toMatchObject({ cacheDir: '.', backend: { config: { auth: 'bmV3' } } })
    expect(JSON.stringify(config.description)).not.toMatch(/bmV3|b2xk/)
  })

  it('gives the description that was read', async () => {
    const { description } = await loadConfig(write(toml), {})
    const again = parseConfig(JSON.stringify({ ...description, overlay: undefined }), 'x', {})
    expect(again.description).toEqual(description)
  })

  it.each([
    ['version = 3', /version/],
    ['version = 2\n[backend]\ntype = "oss"\n[cache]\ntype = "blobcache"', /oss.*registry, localfs/],
    ['version = 2\n[backend]\ntype = "localfs"\n[cache]\ntype = "blobcache"', /backend/],
    ['version = "secret', /it is not JSON and not TOML/],
  ])('refuses %j', (text, message) => {
    expect(() => parseConfig(text, 'x', {})).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringMatching(message) }),
    )
    expect(() => parseConfig(text, 'x', {})).toThrow(expect.not.objectContaining({ message: /secret/ }))
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
