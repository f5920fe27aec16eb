// SPDX-License-Identifier: Apache-2.0
/** Writes the build cache after a conversion: the blobs into its repository, then its manifest or index, when it changed. */
import { sha256Digest } from '@nydus/base/digest'
import {
  ANNOTATION_NYDUS_BLOB,
  ANNOTATION_NYDUS_REF,
  ANNOTATION_SOURCE_DIGEST,
  MEDIA_TYPE_NYDUS_BLOB,
} from '@nydus/rafs-format'
import type { Descriptor, ImageStore, Platform } from '@nydus/registry-client'
import type { ConvertedLayer } from './build-blob.ts'
import {
  ANNOTATION_CACHE_VERSION,
  type BuildCache,
  type CacheGroup,
  cacheVersionText,
  updateGroups,
} from './build-cache.ts'
import type { LayerName } from './convert-events.ts'
import { settleAll } from './limit.ts'
import { MEDIA_TYPES } from './media-type-family.ts'
import { buildIndex, encodeManifest, type Sized } from './rewrite-manifest.ts'
import { transferBlob } from './transfer-blob.ts'

/** Annotation that only cache records have: the original's converter looks for it. */
const ANNOTATION_UNCOMPRESSED = 'containerd.io/uncompressed'
const EMPTY_CONFIG = new TextEncoder().encode('{}')

/** The layers of one converted image, as pairs. */
export interface CachedImage {
  readonly platform: Platform
  readonly layers: readonly { readonly source: LayerName; readonly converted: ConvertedLayer }[]
}

/** What the cache is told. */
export interface CacheUpdate {
  readonly images: readonly CachedImage[]
  readonly version: string
  readonly maxRecords: number
  /** A store that has the blobs. */
  readonly blobs: ImageStore
  readonly signal: AbortSignal
}

/** @returns true when something was written. @throws what the stores throw. */
export async function pushBuildCache(cache: BuildCache, update: CacheUpdate): Promise<boolean> {
  const images = update.images.map(({ platform, layers }) => ({
    platform,
    records: layers.map(({ source, converted }) => recordOf(source, converted)),
  }))
  const groups = updateGroups(cache.groups, images, update.maxRecords)
  if (JSON.stringify(groups) === JSON.stringify(cache.groups)) return false

  const { store } = cache
  const { signal } = update
  const fresh = new Map(images.flatMap(({ records }) => records.map((record) => [record.digest, record])))
  const kept = groups.flatMap(({ records }) => records.filter(({ digest }) => fresh.has(digest)))
  const transfers = [...new Map(kept.map((record) => [record.digest, record])).values()].map((record) =>
    transferBlob(record, update.blobs, store, signal),
  )
  await settleAll(transfers, () => undefined)
  const config = { digest: sha256Digest(EMPTY_CONFIG), size: EMPTY_CONFIG.length }
  await store.putBlob(config, EMPTY_CONFIG, { signal })
  await putDocuments(store, groups, config, update)
  return true
}

function recordOf(source: LayerName, { digest, size, reference }: ConvertedLayer): Descriptor {
  return {
    mediaType: MEDIA_TYPE_NYDUS_BLOB,
    digest,
    size,
    annotations: {
      [ANNOTATION_NYDUS_BLOB]: 'true',
      ...(reference === undefined ? {} : { [ANNOTATION_NYDUS_REF]: reference.layer }),
      [ANNOTATION_SOURCE_DIGEST]: source.digest,
      [ANNOTATION_UNCOMPRESSED]: digest,
    },
  }
}

async function putDocuments(
  store: ImageStore,
  groups: readonly CacheGroup[],
  config: Sized,
  { version, signal }: CacheUpdate,
): Promise<void> {
  const { manifest: mediaType, index: indexType } = MEDIA_TYPES.oci
  const manifests = groups.map(({ records }) =>
    encodeManifest({
      schemaVersion: 2,
      mediaType,
      config: { mediaType: MEDIA_TYPES.oci.config, ...config },
      layers: records,
      annotations: { [ANNOTATION_CACHE_VERSION]: cacheVersionText(version) },
    }),
  )
  const [only] = manifests
  if (only !== undefined && groups.length === 1 && groups[0]?.platform === undefined) {
    await store.putManifest(only, mediaType, { signal, tag: 'from-reference' })
    return
  }
  const entries: Descriptor[] = []
  for (const [i, bytes] of manifests.entries()) {
    await store.putManifest(bytes, mediaType, { signal })
    const platform = groups[i]?.platform
    const identity = { mediaType, digest: sha256Digest(bytes), size: bytes.length }
    entries.push(platform === undefined ? identity : { ...identity, platform })
  }
  const index = buildIndex({ schemaVersion: 2, manifests: [] }, indexType, entries)
  await store.putManifest(index, indexType, { signal, tag: 'from-reference' })
}
