// SPDX-License-Identifier: Apache-2.0
/** The daemon's JSON configuration, version 1: what deployed snapshotters write. Unknown keys are ignored. */
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

const backend = z.discriminatedUnion(
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

const cache = z.object({
  type: z.enum(['blobcache', 'filecache'], {
    error: 'must be blobcache or filecache: other caches are not supported',
  }),
  compressed: z.literal(false, { error: 'a compressed cache is not supported' }).default(false),
  validate: flag,
  config: z
    .object({
      work_dir: z.string().min(1).default('.'),
      disable_indexed_map: flag,
      enable_encryption: z.literal(false, { error: 'an encrypted cache is not supported' }).default(false),
      enable_convergent_encryption: z
        .literal(false, { error: 'an encrypted cache is not supported' })
        .default(false),
      encryption_key: text,
    })
    .prefault({}),
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

/** The whole document. */
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

/** A parsed document, defaults filled in. */
export type ConfigV1 = z.output<typeof configV1>
/** Settings of a registry backend. */
export type RegistryConfig = z.output<typeof registry>
/** Settings of a localfs backend. */
export type LocalfsConfig = z.output<typeof localfs>
