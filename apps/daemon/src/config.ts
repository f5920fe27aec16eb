// SPDX-License-Identifier: Apache-2.0
/** Reads configurations, from files and from the API, and the environment. */
import { open } from 'node:fs/promises'
import { isNydusError } from '@nydus/base/error'
import type { CacheStorage } from '@nydus/chunk-cache'
import { parse as parseToml } from 'smol-toml'
import type * as z from 'zod'
import type { BackendConfig } from './backends.ts'
import { cacheStorage } from './cache-storage.ts'
import { type ConfigV2, configV1, configV2 } from './config-schema.ts'
import { type ConfigDescription, convertV1, describeConfig } from './convert-config.ts'
import { DaemonError } from './daemon-error.ts'

/** How a mount is configured, and how the API describes that. */
export interface DaemonConfig {
  readonly id: string
  readonly backend: BackendConfig
  readonly cacheDir: string
  /** How chunks are kept there. Has the key of an encrypted cache: never log it. */
  readonly storage: CacheStorage
  /** RAFS v5: do not trust a chunk map file. */
  readonly volatileMap: boolean
  readonly validate: boolean
  readonly amplifyBytes: number
  readonly prefetch: ConfigV2['rafs']['prefetch']
  /** Per-file counters, which only the fuse plane can have. */
  readonly accounting: { readonly files: boolean; readonly pattern: boolean; readonly latest: boolean }
  /** The document that `GET /api/v1/daemon` shows: the original's version 2, complete, without secrets. */
  readonly description: ConfigDescription
}

type Environment = Readonly<NodeJS.ProcessEnv>

const MAX_CONFIG_BYTES = 1 << 20

/**
 * Reads a configuration file: JSON of version 1 or 2, or TOML of version 2.
 * @param environment `IMAGE_PULL_AUTH` there replaces the registry's `auth`.
 * @throws {DaemonError} ERR_CONFIG_INVALID, with the path of the member that is wrong and never its value.
 */
export async function loadConfig(path: string, environment: Environment): Promise<DaemonConfig> {
  return parseConfig(await readConfigFile(path), path, environment)
}

/**
 * Parses the text of a configuration.
 * @param name where it is from, for messages.
 * @throws {DaemonError} ERR_CONFIG_INVALID, as `loadConfig`.
 */
export function parseConfig(text: string, name: string, environment: Environment): DaemonConfig {
  const document = parseDocument(text, name)
  return fromSettings(withEnvironment(checkDocument(document, name), environment))
}

/** The configuration behind `--localfs-dir`: blobs and their cache in one directory. */
export function localfsConfig(dir: string): DaemonConfig {
  return fromSettings(
    configV2.parse({
      version: 2,
      backend: { type: 'localfs', localfs: { dir } },
      cache: { type: 'blobcache', filecache: { work_dir: dir } },
    }),
  )
}

function fromSettings(settings: ConfigV2): DaemonConfig {
  const { id, backend, cache, rafs } = settings
  return {
    id,
    backend,
    cacheDir: cache.filecache.work_dir,
    storage: cacheStorage({ compressed: cache.compressed, config: cache.filecache }),
    volatileMap: cache.filecache.disable_indexed_map,
    validate: cache.validate || rafs.validate,
    amplifyBytes: rafs.batch_size,
    prefetch: rafs.prefetch,
    accounting: {
      files: rafs.iostats_files,
      pattern: rafs.access_pattern,
      latest: rafs.latest_read_files,
    },
    description: describeConfig(settings),
  }
}

function checkDocument(document: unknown, name: string): ConfigV2 {
  const isV2 = typeof document === 'object' && document !== null && 'version' in document
  const parsed = isV2 ? configV2.safeParse(document) : configV1.transform(convertV1).safeParse(document)
  if (parsed.success) return parsed.data
  throw invalid(name, firstProblem(parsed.error))
}

async function readConfigFile(path: string): Promise<string> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > MAX_CONFIG_BYTES)
        throw invalid(path, `it has ${size} bytes, at most ${MAX_CONFIG_BYTES} are possible`)
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (cause) {
    if (isNydusError(cause)) throw cause
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    throw new DaemonError(
      'ERR_CONFIG_INVALID',
      `configuration ${path} ${missing ? 'does not exist' : 'cannot be read'}`,
      {
        cause,
        hint: 'give the path of a JSON or TOML file with --config',
      },
    )
  }
}

/** The parsers' own messages quote the text, which may hold credentials: they are not passed on. */
function parseDocument(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    try {
      return parseToml(text)
    } catch {
      throw invalid(name, 'it is not JSON and not TOML')
    }
  }
}

function withEnvironment(settings: ConfigV2, environment: Environment): ConfigV2 {
  const auth = environment.IMAGE_PULL_AUTH
  const { backend } = settings
  if (auth === undefined || auth === '' || backend.type !== 'registry') return settings
  return { ...settings, backend: { ...backend, config: { ...backend.config, auth } } }
}

function firstProblem(error: z.ZodError): string {
  const [issue] = error.issues
  const at = issue?.path.map(String).join('.') ?? ''
  return at === '' ? (issue?.message ?? 'unknown problem') : `${at}: ${issue?.message}`
}

function invalid(name: string, what: string): DaemonError {
  return new DaemonError('ERR_CONFIG_INVALID', `configuration ${name}: ${what}`, {
    details: { path: name },
    hint: 'see the README of @nydus/daemon for a complete example',
  })
}
