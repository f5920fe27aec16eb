// SPDX-License-Identifier: Apache-2.0
/** Version 1 becomes version 2, which is what the daemon works with, and what the API shows, without secrets. */
import type { ConfigV1, ConfigV2 } from './config-schema.ts'

/** JSON of the original's `ConfigV2`, complete. */
export type ConfigDescription = Readonly<Record<string, unknown>>

/** The same settings in version 2. */
export function convertV1(config: ConfigV1): ConfigV2 {
  const { backend, cache, id } = config.device
  const { fs_prefetch: asked } = config
  const prefetch = {
    enable: asked.enable,
    threads: asked.threads_count,
    batch_size: asked.merging_size,
    bandwidth_limit: asked.bandwidth_rate,
    prefetch_all: asked.prefetch_all,
    stream_prefetch: asked.stream_prefetch,
  }
  const { type, compressed, validate, config: filecache } = cache
  return {
    version: 2,
    id,
    backend,
    cache: { type, compressed, validate, prefetch: asked.enable ? prefetch : NO_PREFETCH, filecache },
    rafs: {
      mode: config.mode,
      batch_size: config.amplify_io,
      validate: config.digest_validate,
      enable_xattr: config.enable_xattr,
      iostats_files: config.iostats_files,
      access_pattern: config.access_pattern,
      latest_read_files: config.latest_read_files,
      prefetch,
    },
  }
}

/** Version 1 has no prefetching of the cache; the original shows these values for it. */
const NO_PREFETCH: ConfigV2['cache']['prefetch'] = {
  enable: false,
  threads: 0,
  batch_size: 0,
  bandwidth_limit: 0,
  prefetch_all: true,
  stream_prefetch: false,
}

/** What clients of the original decode strictly: every member is there, and none of the secrets. */
export function describeConfig({ id, backend, cache, rafs }: ConfigV2): ConfigDescription {
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
      prefetch: cache.prefetch,
      filecache: { ...cache.filecache, encryption_key: '' },
      fscache: null,
    },
    rafs,
    overlay: null,
  }
}
