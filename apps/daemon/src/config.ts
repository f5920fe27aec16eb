// SPDX-License-Identifier: Apache-2.0
/** Reads the configuration file and the environment; gives what the API shows of it. */
import { open } from 'node:fs/promises'
import { isNydusError } from '@nydus/base/error'
import type * as z from 'zod'
import type { BackendConfig } from './backends.ts'
import { type ConfigV1, configV1 } from './config-schema.ts'
import { DaemonError } from './daemon-error.ts'

/** How a mount is configured, and how the API describes that. */
export interface DaemonConfig {
  readonly id: string
  readonly backend: BackendConfig
  readonly cacheDir: string
  readonly validate: boolean
  readonly amplifyBytes: number
  readonly prefetch: boolean
  /** The document that `GET /api/v1/daemon` shows: the original's version 2, complete, without secrets. */
  readonly description: ConfigDescription
}

/** JSON of the original's `ConfigV2`. */
export type ConfigDescription = Readonly<Record<string, unknown>>

const MAX_CONFIG_BYTES = 1 << 20

/**
 * Reads a version 1 JSON configuration.
 * @param environment `IMAGE_PULL_AUTH` there replaces the registry's `auth`.
 * @throws {DaemonError} ERR_CONFIG_INVALID, with the path of the member that is wrong and never its value.
 */
export async function loadConfig(
  path: string,
  environment: Readonly<NodeJS.ProcessEnv>,
): Promise<DaemonConfig> {
  const document = parseJson(await readConfigFile(path), path)
  return checkConfig(document, path, environment)
}

/** The configuration behind `--localfs-dir`: blobs and their cache in one directory. */
export function localfsConfig(dir: string): DaemonConfig {
  const document = {
    device: {
      backend: { type: 'localfs', config: { dir } },
      cache: { type: 'blobcache', config: { work_dir: dir } },
    },
    mode: 'direct',
    enable_xattr: true,
  }
  return checkConfig(document, '--localfs-dir', {})
}

function checkConfig(
  document: unknown,
  path: string,
  environment: Readonly<NodeJS.ProcessEnv>,
): DaemonConfig {
  const parsed = configV1.safeParse(document)
  if (!parsed.success) throw invalid(path, firstProblem(parsed.error))
  const config = withEnvironment(parsed.data, environment)
  const { backend, cache, id } = config.device
  return {
    id,
    backend,
    cacheDir: cache.config.work_dir,
    validate: cache.validate || config.digest_validate,
    amplifyBytes: config.amplify_io,
    prefetch: config.fs_prefetch.enable,
    description: describe(config),
  }
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
        hint: 'give the path of a JSON file with --config',
      },
    )
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the text, which may hold credentials.
    throw invalid(path, 'it is not JSON')
  }
}

function withEnvironment(config: ConfigV1, environment: Readonly<NodeJS.ProcessEnv>): ConfigV1 {
  const auth = environment.IMAGE_PULL_AUTH
  const { backend } = config.device
  if (auth === undefined || auth === '' || backend.type !== 'registry') return config
  return {
    ...config,
    device: { ...config.device, backend: { ...backend, config: { ...backend.config, auth } } },
  }
}

function firstProblem(error: z.ZodError): string {
  const [issue] = error.issues
  const at = issue?.path.map(String).join('.') ?? ''
  return at === '' ? (issue?.message ?? 'unknown problem') : `${at}: ${issue?.message}`
}

function invalid(path: string, what: string): DaemonError {
  return new DaemonError('ERR_CONFIG_INVALID', `configuration ${path}: ${what}`, {
    details: { path },
    hint: 'see the README of @nydus/daemon for a complete example',
  })
}

function describe(config: ConfigV1): ConfigDescription {
  const { backend, cache, id } = config.device
  const { fs_prefetch: prefetch } = config
  return {
    version: 2,
    id,
    backend: {
      type: backend.type,
      localdisk: null,
      localfs: backend.type === 'localfs' ? backend.config : null,
      oss: null,
      s3: null,
      registry: backend.type === 'registry' ? { ...backend.config, auth: null, registry_token: null } : null,
      'http-proxy': null,
    },
    external_backends: [],
    cache: {
      type: cache.type,
      compressed: cache.compressed,
      validate: cache.validate,
      // Version 1 has no such setting; the original shows these values for it.
      prefetch: {
        enable: false,
        threads: 0,
        batch_size: 0,
        bandwidth_limit: 0,
        prefetch_all: true,
        stream_prefetch: false,
      },
      filecache: { ...cache.config, encryption_key: '' },
      fscache: null,
    },
    rafs: {
      mode: config.mode,
      batch_size: config.amplify_io,
      validate: config.digest_validate,
      enable_xattr: config.enable_xattr,
      iostats_files: config.iostats_files,
      access_pattern: config.access_pattern,
      latest_read_files: config.latest_read_files,
      prefetch: {
        enable: prefetch.enable,
        threads: prefetch.threads_count,
        batch_size: prefetch.merging_size,
        bandwidth_limit: prefetch.bandwidth_rate,
        prefetch_all: prefetch.prefetch_all,
        stream_prefetch: prefetch.stream_prefetch,
      },
    },
    overlay: null,
  }
}
