// SPDX-License-Identifier: Apache-2.0
/** The daemon's configuration: version 1, which deployed snapshotters write, and version 2. Unknown keys are ignored. */
import * as z from 'zod'

/** Longest read ahead that a configuration may ask for, in bytes. */
const MAX_BATCH_BYTES = 0x1000_0000
const MAX_THREADS = 1024
const seconds = z.int().min(0).max(0xffff_ffff)
const flag = z.boolean().default(false)
const text = z.string().default('')

const proxy = z.object({
  url: text,
  ping_url: text,
  fallback: z.boolean().default(true),
  check_interval: seconds.default(5),
  use_http: flag,
  check_pause_elapsed: seconds.default(300),
  dragonfly_scheduler_endpoint: text,
})

const registry = z.object({
  scheme: z.enum(['http', 'https']).default('https'),
  host: z.string().min(1),
  repo: z.string().min(1),
  auth: z.string().nullish(),
  skip_verify: flag,
  ca_cert_files: z.array(z.string()).default([]),
  timeout: seconds.default(5),
  connect_timeout: seconds.default(5),
  retry_limit: z.int().min(0).max(255).default(0),
  registry_token: z.string().nullish(),
  blob_url_scheme: text,
  blob_redirected_host: text,
  proxy: proxy.prefault({}),
})

const localfs = z.object({
  blob_file: text,
  dir: text,
  alt_dirs: z.array(z.string()).default([]),
})

/** Where blobs are: the type, and the settings of that type. */
export const backend = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('registry'), config: registry }),
    z.object({ type: z.literal('localfs'), config: localfs }),
  ],
  {
    error: (issue) =>
      `backend type ${JSON.stringify((issue.input as { type?: unknown } | undefined)?.type)} is not one of registry, localfs`,
  },
)

const cacheType = z.enum(['blobcache', 'filecache'], {
  error: 'must be blobcache or filecache: other caches are not supported',
})

const fileCache = z.object({
  work_dir: z.string().min(1).default('.'),
  disable_indexed_map: flag,
  enable_encryption: flag,
  enable_convergent_encryption: flag,
  encryption_key: text,
})

const cache = z.object({
  type: cacheType,
  compressed: flag,
  validate: flag,
  config: fileCache.prefault({}),
})

const prefetch = z.object({
  enable: flag,
  threads_count: z.int().min(0).max(MAX_THREADS).default(8),
  merging_size: z
    .int()
    .min(0)
    .max(MAX_BATCH_BYTES)
    .default(1 << 20),
  bandwidth_rate: z.int().min(0).max(0xffff_ffff).default(0),
  prefetch_all: z.boolean().default(true),
  stream_prefetch: flag,
})

/** The whole document of version 1. */
export const configV1 = z.object({
  device: z.object({ id: text, backend, cache }),
  mode: z.enum(['direct', 'cached']),
  digest_validate: flag,
  iostats_files: flag,
  enable_xattr: flag,
  access_pattern: flag,
  latest_read_files: flag,
  amplify_io: z
    .int()
    .min(0)
    .max(MAX_BATCH_BYTES)
    .default(1 << 20),
  fs_prefetch: prefetch.prefault({}),
})

const batchBytes = z.int().min(0).max(MAX_BATCH_BYTES)
const mebibyte = 1 << 20

const prefetchV2 = z.object({
  enable: z.boolean(),
  threads: z.int().min(0).max(MAX_THREADS).default(8),
  batch_size: batchBytes.default(mebibyte),
  bandwidth_limit: z.int().min(0).max(0xffff_ffff).default(0),
  prefetch_all: flag,
  stream_prefetch: flag,
})
const noPrefetch = { enable: false, threads: 0, batch_size: 0 } as const

/** The whole document of version 2. The members of its backend stand under the name of the type. */
export const configV2 = z.object({
  version: z.literal(2),
  id: text,
  backend: z
    .looseObject({ type: z.string() })
    .transform(({ type, ...settings }) => ({ type, config: settings[type] }))
    .pipe(backend),
  cache: z.object({
    type: cacheType,
    compressed: flag,
    validate: flag,
    prefetch: prefetchV2.prefault({ ...noPrefetch, prefetch_all: true }),
    filecache: fileCache.prefault({}),
  }),
  rafs: z
    .object({
      mode: z.enum(['direct', 'cached']).default('direct'),
      batch_size: batchBytes.default(mebibyte),
      validate: flag,
      enable_xattr: flag,
      iostats_files: flag,
      access_pattern: flag,
      latest_read_files: flag,
      prefetch: prefetchV2.prefault(noPrefetch),
    })
    .prefault({}),
})

/** A parsed document of version 1, defaults filled in. */
export type ConfigV1 = z.output<typeof configV1>
/** A parsed document of version 2, defaults filled in. */
export type ConfigV2 = z.output<typeof configV2>
/** Settings of a registry backend. */
export type RegistryConfig = z.output<typeof registry>
/** Settings of a localfs backend. */
export type LocalfsConfig = z.output<typeof localfs>
