// SPDX-License-Identifier: Apache-2.0
/**
 * The build cache: an image in a registry whose layers are converted blobs, each with the digest of the layer that it was
 * made from. One manifest, or an index of one a platform. The original reads ours and we read its.
 */
import { isDigest } from '@nydus/base/digest'
import { describeError, isNydusError } from '@nydus/base/error'
import { ANNOTATION_NYDUS_REF, ANNOTATION_SOURCE_DIGEST, MEDIA_TYPE_NYDUS_BLOB } from '@nydus/rafs-format'
import {
  type Descriptor,
  type ImageStore,
  isIndex,
  type Manifest,
  type Platform,
  platformMatches,
} from '@nydus/registry-client'
import { type LayerForm, readCachedLayer } from './cached-layer.ts'
import type { LayerName } from './convert-events.ts'
import type { FoundLayer, LayerCache } from './layer-cache.ts'

/** Manifest annotation: records of another version are not used. */
export const ANNOTATION_CACHE_VERSION = 'containerd.io/snapshot/nydus-cache-version'
/** The original calls its default version so, whatever its flag says. */
const DEFAULT_VERSION_TEXT = ''

/** Records of one platform, lowest layer first. */
export interface CacheGroup {
  /** Undefined for the only manifest of a cache without an index. */
  readonly platform: Platform | undefined
  readonly records: readonly Descriptor[]
}

/** A cache as it was found. */
export interface BuildCache extends LayerCache {
  readonly store: ImageStore
  readonly groups: readonly CacheGroup[]
}

/** How a cache is opened. */
export interface BuildCacheOptions {
  readonly version: string
  readonly form: LayerForm
  readonly signal: AbortSignal
  /** Told why the cache, or a record of it, is not used. */
  readonly onNote: (message: string) => void
}

/** The text of a version in annotations. */
export function cacheVersionText(version: string): string {
  return version === 'v1' ? DEFAULT_VERSION_TEXT : version
}

/** Reads the records of the cache in `store`; one that cannot be read is empty, and that is said. */
export async function openBuildCache(store: ImageStore, options: BuildCacheOptions): Promise<BuildCache> {
  const groups = await readGroups(store, options).catch((error: unknown) => {
    if (options.signal.aborted) throw error
    if (!isNydusError(error, 'ERR_REGISTRY_NOT_FOUND'))
      options.onNote(`build cache ${store.reference} is not used: ${describeError(error)}`)
    return []
  })
  const bySource = new Map<string, Descriptor>()
  for (const record of groups.flatMap(({ records }) => records)) {
    const source = record.annotations?.[ANNOTATION_SOURCE_DIGEST] ?? ''
    if (!bySource.has(source)) bySource.set(source, record)
  }
  return {
    store,
    groups,
    find: (layer) => findLayer(layer, bySource.get(layer.digest), store, options),
  }
}

async function findLayer(
  layer: LayerName,
  record: Descriptor | undefined,
  store: ImageStore,
  { form, signal, onNote }: BuildCacheOptions,
): Promise<FoundLayer | undefined> {
  if (record === undefined) return undefined
  const refersTo = record.annotations?.[ANNOTATION_NYDUS_REF] === layer.digest ? layer.digest : undefined
  if (form.ociRef !== (refersTo !== undefined)) return undefined
  try {
    const { digest, size } = record
    const converted = await readCachedLayer(store, { digest, size, refersTo }, form, signal)
    return converted === undefined ? undefined : { converted, store }
  } catch (error) {
    if (signal.aborted) throw error
    onNote(`layer ${layer.digest} is built again: ${describeError(error)}`)
    return undefined
  }
}

async function readGroups(store: ImageStore, options: BuildCacheOptions): Promise<CacheGroup[]> {
  const root = await store.resolve(options.signal)
  const { document } = await store.manifest(root, options.signal)
  if (!isIndex(document)) return groupOf(document, undefined, store, options)
  const groups = await Promise.all(
    document.manifests.map(async (entry) => {
      const { document: manifest } = await store.manifest(entry, options.signal)
      return isIndex(manifest) ? [] : groupOf(manifest, entry.platform, store, options)
    }),
  )
  return groups.flat()
}

function groupOf(
  manifest: Manifest,
  platform: Platform | undefined,
  store: ImageStore,
  { version, onNote }: BuildCacheOptions,
): CacheGroup[] {
  const found = manifest.annotations?.[ANNOTATION_CACHE_VERSION] ?? ''
  if (found !== version && found !== cacheVersionText(version)) {
    onNote(
      `build cache ${store.reference} is not used: version ${JSON.stringify(found)}, expected ${version}`,
    )
    return []
  }
  const records = manifest.layers.filter(
    ({ mediaType, annotations }) =>
      mediaType === MEDIA_TYPE_NYDUS_BLOB && isDigest(annotations?.[ANNOTATION_SOURCE_DIGEST] ?? ''),
  )
  return [{ platform, records }]
}

/**
 * The records after a conversion: those of this conversion first, then older ones, at most `maxRecords` a platform.
 * @param found what the cache had.
 * @param images records of each converted image.
 */
export function updateGroups(
  found: readonly CacheGroup[],
  images: readonly { readonly platform: Platform; readonly records: readonly Descriptor[] }[],
  maxRecords: number,
): readonly CacheGroup[] {
  const single = found.length === 1 && found[0]?.platform === undefined ? found[0] : undefined
  const isSingle = images.length === 1 && (found.length === 0 || single !== undefined)
  const kept = single === undefined ? [...found] : []
  const groups = images.map(({ platform, records }, i): CacheGroup => {
    const at = kept.findIndex((group) => group.platform !== undefined && isSame(group.platform, platform))
    const older = at < 0 ? (i === 0 ? single : undefined) : kept.splice(at, 1)[0]
    const merged = mergeRecords(records, older?.records ?? []).slice(0, maxRecords)
    return { platform: isSingle ? undefined : platform, records: merged }
  })
  return [...groups, ...kept]
}

function isSame(one: Platform, other: Platform): boolean {
  return platformMatches(one, other) && platformMatches(other, one)
}

/** Of two records of one layer the newer one stays. */
function mergeRecords(newer: readonly Descriptor[], older: readonly Descriptor[]): readonly Descriptor[] {
  const bySource = new Map<string, Descriptor>()
  for (const record of [...newer, ...older]) {
    const source = record.annotations?.[ANNOTATION_SOURCE_DIGEST] ?? ''
    if (!bySource.has(source)) bySource.set(source, record)
  }
  return [...bySource.values()]
}
