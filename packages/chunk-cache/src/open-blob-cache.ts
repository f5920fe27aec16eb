// SPDX-License-Identifier: Apache-2.0
/** Opens the cache of one blob in a directory that the original's daemon can use as well. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { alignUp } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { BLOB_FEATURES, type BlobInfo, type BlobMeta } from '@nydus/rafs-format'
import { type BlobCache, createBlobCache } from './blob-cache.ts'
import { type BlobFetch, createBlobFetch, type FetchReport } from './blob-fetch.ts'
import type { BlobSource } from './blob-source.ts'
import { CacheError, cacheFailure } from './cache-error.ts'
import { type ChunkMapFile, openChunkMapFile } from './chunk-map-file.ts'
import { type ChunkStore, createChunkStore } from './chunk-store.ts'
import { openDataFile } from './data-file.ts'
import type { ExpectedDigest } from './decode-chunk.ts'
import { createFetchLimits, type FetchLimits } from './fetch-limits.ts'
import { loadBlobMeta } from './load-blob-meta.ts'
import { loadChunkDigests } from './load-chunk-digests.ts'
import { type SharedBlobView, shareChunkBounds } from './shared-view.ts'

/** How a cache is opened. */
export interface BlobCacheOptions {
  /** The blob's entry in the bootstrap. */
  readonly blob: BlobInfo
  readonly source: BlobSource
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
const CHUNK_ALIGNMENT = 4096

/**
 * Opens, creates or continues the cache of `options.blob`. Nothing is fetched but the blob meta, and that only when
 * neither `metaFile` nor the directory has it.
 * @throws {CacheError} ERR_CACHE_IO, ERR_CACHE_NO_SPACE, ERR_CACHE_STATE_CORRUPT.
 * @throws {FormatError} when the blob cannot be cached or its blob meta is not what the bootstrap says.
 */
export async function openBlobCache(options: BlobCacheOptions): Promise<BlobCache> {
  const { blob, workDir, signal } = options
  checkBlob(blob)
  await mkdir(workDir, { recursive: true }).catch((error: unknown) => {
    throw cacheFailure('create', workDir, error)
  })
  const fetch = createBlobFetch(options.source, options.onFetch)
  const meta = await loadBlobMeta({
    blob,
    path: join(workDir, `${blob.blobId}.blob.meta`),
    given: options.metaFile,
    fetch: (offset, length) => fetch.read({ offset, length }, 'meta', signal),
  })
  const expectedDigest =
    options.chunkDigest ?? (options.validate ? await ownDigests(options, fetch) : () => undefined)
  const bounds = shareChunkBounds(meta)
  checkBounds(blob, bounds)
  signal?.throwIfAborted()
  const store = await openStore(blob, workDir, meta, bounds)
  return createBlobCache({
    blob,
    store,
    fetch,
    decode: {
      blobId: blob.blobId,
      meta,
      compressor: blob.compressor,
      digester: blob.digester,
      expectedDigest,
    },
    isReferenced: (index) => options.chunkDigest === undefined || options.chunkDigest(index) !== undefined,
    policy: { amplifyBytes: options.amplifyBytes ?? DEFAULT_AMPLIFY_BYTES },
    limits: options.limits ?? createFetchLimits(DEFAULT_LIMITS),
  })
}

function ownDigests(
  { blob, source, workDir, signal }: BlobCacheOptions,
  fetch: BlobFetch,
): Promise<ExpectedDigest> {
  return loadChunkDigests({
    blob,
    path: join(workDir, `${blob.blobId}.blob.digest`),
    fetch: (range) => fetch.read(range, 'digest', signal),
    async blobSize() {
      if (source.size !== undefined) return source.size(signal)
      throw new CacheError(
        'ERR_CACHE_IO',
        `blob ${blob.blobId}: its source does not tell its size, so it cannot be validated`,
      )
    },
  })
}

type Bounds = Pick<SharedBlobView, 'chunkStarts' | 'chunkSizes'>

async function openStore(
  blob: BlobInfo,
  workDir: string,
  meta: BlobMeta,
  bounds: Bounds,
): Promise<ChunkStore> {
  const path = join(workDir, `${blob.blobId}.blob.data`)
  const { file, previousSize } = await openDataFile(path, blob.uncompressedSize)
  let map: ChunkMapFile | undefined
  try {
    map = await openChunkMapFile(`${path}.chunk_map`, meta.chunkCount)
    const endsBeyond = (index: number): boolean =>
      (bounds.chunkStarts[index] as number) + (bounds.chunkSizes[index] as number) > previousSize
    if (previousSize < blob.uncompressedSize) await map.forget(endsBeyond)
    const view = {
      blobIndex: blob.blobIndex,
      fd: file.fd,
      uncompressedSize: blob.uncompressedSize,
      ...bounds,
      readyBits: map.bits,
    }
    return createChunkStore(file, path, map, view)
  } catch (error) {
    await map?.close().catch(() => {})
    await file.close()
    throw error
  }
}

/** The id becomes a file name; the features decide whether there is anything to cache by chunks. */
function checkBlob(blob: BlobInfo): void {
  if (!/^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$/.test(blob.blobId)) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `blob id ${JSON.stringify(blob.blobId)} cannot be a file name`,
      {
        details: { blobId: blob.blobId },
      },
    )
  }
  if ((blob.features & BLOB_FEATURES.TARFS) !== 0) {
    throw new FormatError('ERR_FORMAT_UNSUPPORTED_FEATURE', `blob ${blob.blobId} is a tarfs blob`, {
      details: { blobId: blob.blobId },
    })
  }
}

/**
 * Chunks must cover the uncompressed blob in order, with nothing between them but padding: a wrong offset would
 * otherwise make a hole that reads as zeros.
 */
function checkBounds(blob: BlobInfo, { chunkStarts, chunkSizes }: Bounds): void {
  let end = 0
  for (let index = 0; index < chunkStarts.length; index++) {
    const start = chunkStarts[index] as number
    const size = chunkSizes[index] as number
    if (start !== alignUp(end, CHUNK_ALIGNMENT) || size > blob.chunkSize)
      throw badChunk(blob, index, start, size)
    end = start + size
  }
  if (alignUp(end, CHUNK_ALIGNMENT) !== alignUp(blob.uncompressedSize, CHUNK_ALIGNMENT)) {
    throw badChunk(blob, chunkStarts.length - 1, end, 0)
  }
}

function badChunk(blob: BlobInfo, index: number, start: number, size: number): FormatError {
  return new FormatError(
    'ERR_FORMAT_CORRUPT',
    `blob ${blob.blobId}: chunk ${index} of ${size} bytes at 0x${start.toString(16)} does not fit its neighbours`,
    { details: { blobId: blob.blobId, chunk: index, start, size, uncompressedSize: blob.uncompressedSize } },
  )
}
