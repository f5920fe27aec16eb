// SPDX-License-Identifier: Apache-2.0
/** The one place where the ports meet: FUSE asks for ranges of blobs, the cache asks a backend for stored bytes. */
import type { ByteRange } from '@nydus/base/binary'
import { describeError, FormatError, isNydusError } from '@nydus/base/error'
import {
  type BlobCache,
  type BlobSource,
  type CacheStats,
  type CacheStorage,
  chunkDigests,
  createFetchLimits,
  type FetchReport,
  openBlobCache,
  type SharedBlobView,
} from '@nydus/chunk-cache'
import { type BlobInfo, type Bootstrap, blobChunks, locateBlobMeta } from '@nydus/rafs-format'
import type { ImageBackend } from './image-backend.ts'

/** What an image is wired from. */
export interface WireOptions {
  readonly bootstrap: Bootstrap
  readonly backend: ImageBackend
  readonly cacheDir: string
  readonly amplifyBytes?: number | undefined
  readonly validate?: boolean | undefined
  /** How chunks are kept in the cache directory. Default: plain. */
  readonly storage?: CacheStorage | undefined
  /** Keep the readiness of blobs without blob meta in memory only. */
  readonly volatileMap?: boolean | undefined
  /**
   * Id of the blob that the bootstrap came out of, where it did: it holds the blob meta of referenced layers that were not
   * merged.
   */
  readonly bootstrapBlobId?: string | undefined
  /** Contents of `<blob id>.blob.meta` files by blob id. */
  readonly metaFiles?: ReadonlyMap<string, Uint8Array> | undefined
  readonly onFetch?: ((report: FetchReport) => void) | undefined
  /** The cache directory has no room for more of a blob: told once a blob. */
  readonly onFull?: ((report: FullReport) => void) | undefined
}

/** A blob of which nothing more can be cached. */
export interface FullReport {
  readonly blobId: string
  /** One line for a person. */
  readonly message: string
}

/** The blobs of an image through its cache. Meets the BlobRangeReader port of fuse-fs. */
export interface WiredImage {
  /** Opens a blob at first use; later calls get the same view. */
  open(blobIndex: number, signal?: AbortSignal): Promise<SharedBlobView>
  fill(blobIndex: number, range: ByteRange, signal?: AbortSignal): Promise<void>
  /** Like `fill`, and gives the bytes; works when the cache directory is full. */
  read(blobIndex: number, range: ByteRange, signal?: AbortSignal): Promise<Uint8Array>
  /** Counts of the blobs opened so far. */
  stats(): readonly (CacheStats & { readonly blobId: string })[]
  /** Ends all fetches, persists the caches and closes the backend. Nothing may use the views any more. */
  close(): Promise<void>
}

/** Fetches and stored bytes in flight, for all blobs of an image together. */
const LIMITS = { fetches: 16, bytes: 64 << 20 }

/** Wires an image. Touches neither disk nor network yet. */
export function wireImage(options: WireOptions): WiredImage {
  const { bootstrap, backend } = options
  const digests = chunkDigests(bootstrap)
  const limits = createFetchLimits(LIMITS)
  const caches = new Map<number, Promise<BlobCache>>()
  const open: BlobCache[] = []
  const closing = new AbortController()

  // A cache that could not be opened is tried again, with the source that it had.
  const sources = new Map<string, BlobSource>()
  const sourceOf = (blob: Pick<BlobInfo, 'blobId'>): BlobSource => {
    const source = sources.get(blob.blobId) ?? backend.sourceOf(blob)
    sources.set(blob.blobId, source)
    return source
  }

  const metaSourceOf = (blob: BlobInfo): BlobSource | undefined => {
    const place = locateBlobMeta(blob)
    if (place?.separate !== true) return undefined
    const blobId = place.blobId ?? options.bootstrapBlobId
    if (blobId !== undefined) return sourceOf({ blobId })
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `blob ${blob.blobId}: its blob meta is in the blob that holds this bootstrap, and that blob is not known`,
      { details: { blobId: blob.blobId }, hint: 'merge the layer into an image first' },
    )
  }

  const openCache = async (blob: BlobInfo): Promise<BlobCache> => {
    const cache = await openBlobCache({
      blob,
      source: sourceOf(blob),
      metaSource: metaSourceOf(blob),
      workDir: options.cacheDir,
      ...(options.amplifyBytes === undefined ? {} : { amplifyBytes: options.amplifyBytes }),
      ...(options.validate === undefined ? {} : { validate: options.validate }),
      metaFile: options.metaFiles?.get(blob.blobId),
      chunkDigest: digests(blob.blobIndex),
      records: () => blobChunks(bootstrap, blob.blobIndex),
      ...(options.storage === undefined ? {} : { storage: options.storage }),
      ...(options.volatileMap === undefined ? {} : { volatileMap: options.volatileMap }),
      limits,
      onFetch: options.onFetch,
      signal: closing.signal,
    })
    open.push(cache)
    return cache
  }

  // Opening is shared, so it must not depend on the signal of the first who asked.
  const cacheOf = (blobIndex: number): Promise<BlobCache> => {
    closing.signal.throwIfAborted()
    const known = caches.get(blobIndex)
    if (known !== undefined) return known
    const opening = openCache(blobAt(bootstrap, blobIndex))
    caches.set(blobIndex, opening)
    opening.catch(() => caches.delete(blobIndex))
    return opening
  }

  const full = new Set<string>()
  const tellFull = (blobId: string, error: unknown): void => {
    if (!isNydusError(error) || error.code !== 'ERR_CACHE_NO_SPACE' || full.has(blobId)) return
    full.add(blobId)
    options.onFull?.({ blobId, message: describeError(error) })
  }

  return {
    open: async (blobIndex) => (await cacheOf(blobIndex)).view(),
    async fill(blobIndex, range, signal) {
      const cache = await cacheOf(blobIndex)
      try {
        await cache.fill(range, signal ? { signal } : {})
      } catch (error) {
        tellFull(cache.blob.blobId, error)
        throw error
      }
    },
    read: async (blobIndex, range, signal) =>
      (await cacheOf(blobIndex)).read(range, signal ? { signal } : {}),
    stats: () => open.map((cache) => ({ blobId: cache.blob.blobId, ...cache.stats })),
    async close() {
      closing.abort(new Error('the image is closed'))
      await Promise.allSettled(caches.values())
      // One that fails must not keep the others from closing.
      const ended = await Promise.allSettled(open.map((cache) => cache.close()))
      await backend.close()
      for (const one of ended) if (one.status === 'rejected') throw one.reason
    },
  }
}

function blobAt(bootstrap: Bootstrap, blobIndex: number): BlobInfo {
  const blob = bootstrap.blobs[blobIndex]
  if (blob !== undefined) return blob
  throw new FormatError('ERR_FORMAT_OUT_OF_RANGE', `blob ${blobIndex} of ${bootstrap.blobs.length}`, {
    details: { blobIndex, count: bootstrap.blobs.length },
  })
}
