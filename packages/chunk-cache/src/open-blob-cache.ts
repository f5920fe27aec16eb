// SPDX-License-Identifier: Apache-2.0
/** Opens the cache of one blob in a directory that the original's daemon can use as well. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  BLOB_FEATURES,
  type BlobInfo,
  blobCipher,
  type ChunkInfo,
  hasBlobMeta,
  isLegacyStargz,
} from '@nydus/rafs-format'
import { type BlobCache, createBlobCache } from './blob-cache.ts'
import { type BlobFetch, createBlobFetch, type FetchReport } from './blob-fetch.ts'
import type { BlobSource } from './blob-source.ts'
import { CacheError, cacheFailure } from './cache-error.ts'
import { checkBlobId } from './check-blob.ts'
import type { ChunkStore } from './chunk-store.ts'
import type { DecodeContext, ExpectedDigest } from './decode-chunk.ts'
import { createFetchLimits, type FetchLimits } from './fetch-limits.ts'
import { loadChunkDigests } from './load-chunk-digests.ts'
import { type LoadedLayout, loadLayout } from './load-layout.ts'
import { type CacheStorage, openChunkStore, openTarStore } from './open-chunk-store.ts'

/** How a cache is opened. */
export interface BlobCacheOptions {
  /** The blob's entry in the bootstrap. */
  readonly blob: BlobInfo
  readonly source: BlobSource
  /** The separate meta blob of blobs that have one (see `locateBlobMeta`). Default: `source`. */
  readonly metaSource?: BlobSource | undefined
  /**
   * Chunk records of blobs without blob meta (RAFS v5, tarfs): each chunk once, ascending. Asked for once at most. They
   * give the digests as well.
   */
  readonly records?: (() => Iterable<ChunkInfo>) | undefined
  /** How chunks are kept. Default: plain. */
  readonly storage?: CacheStorage
  /** For blobs without blob meta: keep readiness in memory only, and find out what is there by digest. */
  readonly volatileMap?: boolean
  /** Directory of the cache files; created when missing. */
  readonly workDir: string
  /** Stored bytes that one miss may fetch from its first missing chunk on. 0 … 256 MiB, 0 turns it off. */
  readonly amplifyBytes?: number
  /** Without `chunkDigest`: fetch the digests from the blob's own section, once, and check chunks by them. */
  readonly validate?: boolean
  /** Content of `<blob id>.blob.meta`, if the caller has it: saves fetching it. */
  readonly metaFile?: Uint8Array | undefined
  /**
   * Digest of a chunk by its index, from the bootstrap's chunk table (see `chunkDigests`). Chunks without one are only
   * fetched when somebody asks for them. Without the option all chunks are checked by their CRC-32C, if they have one.
   */
  readonly chunkDigest?: ExpectedDigest | undefined
  /** Limits shared with other caches; by default each cache has its own. */
  readonly limits?: FetchLimits | undefined
  readonly onFetch?: ((report: FetchReport) => void) | undefined
  /** Ends opening; the open cache does not listen to it. */
  readonly signal?: AbortSignal | undefined
}

const DEFAULT_AMPLIFY_BYTES = 1 << 20
/** Fetches and stored bytes in flight in a cache that was not given limits. */
const DEFAULT_LIMITS = { fetches: 8, bytes: 32 << 20 }
/**
 * Opens, creates or continues the cache of `options.blob`. Nothing is fetched but the blob meta, and that only when
 * neither `metaFile` nor the directory has it.
 * @throws {CacheError} ERR_CACHE_IO, ERR_CACHE_NO_SPACE, ERR_CACHE_STATE_CORRUPT.
 * @throws {FormatError} when the blob cannot be cached or its blob meta is not what the bootstrap says.
 */
export async function openBlobCache(options: BlobCacheOptions): Promise<BlobCache> {
  const { blob, workDir, signal } = options
  checkBlobId(blob)
  await mkdir(workDir, { recursive: true }).catch((error: unknown) => {
    throw cacheFailure('create', workDir, error)
  })
  const fetch = createBlobFetch(options.source, options.onFetch)
  const metaFetch =
    options.metaSource === undefined ? fetch : createBlobFetch(options.metaSource, options.onFetch)
  const loaded = await loadLayout({
    blob,
    path: join(workDir, `${blob.blobId}.blob.meta`),
    given: options.metaFile,
    fetch: (range) => metaFetch.read(range, 'meta', signal),
    records: options.records,
    blobSize: async () => (await sizeOf(options.source, signal)) ?? blob.compressedSize,
  })
  const digest = await digestOf(options, loaded, metaFetch)
  const decode = decodeContext(blob, loaded, digest)
  signal?.throwIfAborted()
  const { isVolatile, store } = await openStore(options, loaded, decode)
  return createBlobCache({
    ...{ blob, store, fetch, decode, isVolatile },
    isReferenced: isReferenced(options, loaded),
    policy: { amplifyBytes: options.amplifyBytes ?? DEFAULT_AMPLIFY_BYTES },
    limits: options.limits ?? createFetchLimits(DEFAULT_LIMITS),
  })
}

async function digestOf(
  options: BlobCacheOptions,
  loaded: LoadedLayout,
  metaFetch: BlobFetch,
): Promise<ExpectedDigest> {
  const known = loaded.recordDigest ?? options.chunkDigest
  if (known !== undefined) return known
  return options.validate === true ? ownDigests(options, metaFetch) : () => undefined
}

function decodeContext(blob: BlobInfo, { layout }: LoadedLayout, digest: ExpectedDigest): DecodeContext {
  const { blobId, compressor, digester } = blob
  return {
    ...{ blobId, layout, compressor, digester, expectedDigest: digest },
    cipher: blobCipher(blob),
    isStargz: isLegacyStargz(blob),
  }
}

/** Chunks of files that this image does not show are not worth fetching, and cannot be verified. */
function isReferenced({ chunkDigest }: BlobCacheOptions, loaded: LoadedLayout): (index: number) => boolean {
  const { recordDigest, bounds } = loaded
  if (recordDigest !== undefined) return (index) => bounds.chunkSizes[index] !== 0
  return (index) => chunkDigest === undefined || chunkDigest(index) !== undefined
}

async function openStore(
  options: BlobCacheOptions,
  loaded: LoadedLayout,
  decode: DecodeContext,
): Promise<{ isVolatile: boolean; store: ChunkStore }> {
  const { blob, workDir, storage = PLAIN } = options
  if ((blob.features & BLOB_FEATURES.TARFS) !== 0) {
    const store = await openTarStore({ blob, workDir, loaded })
    if (store !== undefined) return { isVolatile: false, store }
  }
  // Without a count in the blob table, chunks have no numbers that mean the same in another image with this blob.
  const isVolatile = !hasBlobMeta(blob) && (blob.chunkCount === 0 || options.volatileMap === true)
  const keyDigest = convergentDigest(options, loaded, decode)
  return {
    isVolatile,
    store: await openChunkStore({ blob, workDir, loaded, decode, storage, keyDigest, isVolatile }),
  }
}

/** The original knows chunk digests of v5 images, and where it validates by the blob's own. Elsewhere it has one key for all. */
function convergentDigest(
  { blob, validate }: BlobCacheOptions,
  { recordDigest }: LoadedLayout,
  { expectedDigest }: DecodeContext,
): ExpectedDigest {
  if (recordDigest !== undefined) return recordDigest
  const isValidated = validate === true && (blob.features & BLOB_FEATURES.INLINED_CHUNK_DIGEST) !== 0
  return isValidated ? expectedDigest : () => undefined
}

function ownDigests(options: BlobCacheOptions, fetch: BlobFetch): Promise<ExpectedDigest> {
  const { blob, source, metaSource, workDir, signal } = options
  return loadChunkDigests({
    blob,
    path: join(workDir, `${blob.blobId}.blob.digest`),
    tocPath: join(workDir, `${blob.blobId}.blob.toc`),
    fetch: (range) => fetch.read(range, 'digest', signal),
    async blobSize() {
      const size = await sizeOf(metaSource ?? source, signal)
      if (size !== undefined) return size
      throw new CacheError(
        'ERR_CACHE_IO',
        `blob ${blob.blobId}: its source does not tell its size, so it cannot be validated`,
      )
    },
  })
}

async function sizeOf(source: BlobSource, signal: AbortSignal | undefined): Promise<number | undefined> {
  return source.size?.(signal)
}

const PLAIN: CacheStorage = { kind: 'plain' }
