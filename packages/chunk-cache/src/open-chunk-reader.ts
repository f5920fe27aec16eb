// SPDX-License-Identifier: Apache-2.0
/** Reads single chunks of an image straight from its blobs, for tools that go through an image once. */
import type { ByteRange } from '@nydus/base/binary'
import { DigestError, FormatError } from '@nydus/base/error'
import {
  BLOB_FEATURES,
  type BlobInfo,
  type BlobMeta,
  type Bootstrap,
  blobCipher,
  type ChunkInfo,
  type ChunkMeta,
  isLegacyStargz,
  locateBlobMeta,
  openBlobMeta,
} from '@nydus/rafs-format'
import type { BlobSource } from './blob-source.ts'
import { CacheError } from './cache-error.ts'
import { checkUnit } from './check-unit.ts'
import { chunkMetaOf, NO_CONTEXTS } from './chunk-layout.ts'
import { type ContextCache, createContextCache } from './context-cache.ts'
import { type DecodeContext, decodeWhole, takeChunk } from './decode-chunk.ts'
import { fetchBlobMeta } from './fetch-blob-meta.ts'
import { storedPlace } from './plan-fetch.ts'
import { stargzChunk } from './stargz-layout.ts'

/** Chunks of one bootstrap by their records. Meets the port of the same name in `@nydus/builder`. */
export interface ChunkReader {
  /**
   * The chunk's bytes, verified by its digest or CRC-32C, whatever it has. They belong to the caller.
   * @throws {DigestError} when they stay wrong after a second read; {FormatError} when the tables are wrong.
   */
  readChunk(blobIndex: number, chunk: ChunkInfo, signal?: AbortSignal): Promise<Uint8Array>
  /** Bytes of the blob file as they are stored. */
  readStored(blobIndex: number, range: ByteRange, signal?: AbortSignal): Promise<Uint8Array>
}

/** What chunks are read from. */
export interface ChunkReaderOptions {
  readonly bootstrap: Bootstrap
  /** Called once a blob, and once for the meta blob of blobs that have one. The sources stay the caller's. */
  readonly openBlob: (blobId: string) => BlobSource | Promise<BlobSource>
  /** The meta blob of a blob that only says that it has the bootstrap's name: the id of the blob with the bootstrap in it. */
  readonly bootstrapBlobId?: string | undefined
  /** Bytes of decoded batches and zran contexts that are kept. Default 32 MiB. */
  readonly cacheBytes?: number
  /** Ends every read. */
  readonly signal?: AbortSignal | undefined
}

const DEFAULT_CACHE_BYTES = 32 << 20

interface OpenBlob {
  readonly blob: BlobInfo
  readonly source: BlobSource
  /** Only of blobs with batches or zran contexts: other chunks are found by their records. */
  readonly meta: BlobMeta | undefined
  /** Only of legacy stargz blobs. */
  readonly blobSize: number | undefined
  readonly contexts: ContextCache
  /** Of the reader. */
  readonly signal: AbortSignal | undefined
}

/**
 * Opens a reader. Nothing is read yet; a blob meta is only read for blobs whose chunks cannot be found without it.
 * @example
 * const reader = openChunkReader({ bootstrap, openBlob: (blobId) => openLocalBlob({ dir: 'blobs' }, blobId) })
 * for (const chunk of readFileChunks(bootstrap, nid)) write(await reader.readChunk(chunk.blobIndex, chunk))
 */
export function openChunkReader(options: ChunkReaderOptions): ChunkReader {
  const contexts = createContextCache(options.cacheBytes ?? DEFAULT_CACHE_BYTES)
  const sources = createOnce((blobId: string) => Promise.resolve(options.openBlob(blobId)))
  const blobs = createOnce((blobIndex: number) => openBlobAt(options, blobIndex, sources, contexts))
  const signalOf = (signal: AbortSignal | undefined): AbortSignal | undefined =>
    signal !== undefined && options.signal !== undefined
      ? AbortSignal.any([signal, options.signal])
      : (signal ?? options.signal)

  return {
    async readChunk(blobIndex, chunk, signal) {
      const blob = await blobs(blobIndex)
      try {
        return await readOne(blob, chunk, signalOf(signal))
      } catch (error) {
        // Wrong bytes are asked for once more: they may have been damaged on their way.
        if (!(error instanceof DigestError)) throw error
        return await readOne(blob, chunk, signalOf(signal))
      }
    },
    async readStored(blobIndex, range, signal) {
      const source = await sources(blobOf(options.bootstrap, blobIndex).blobId)
      return readExactly(source, range, signalOf(signal))
    },
  }
}

/** Makes each thing once; what failed is tried again. */
function createOnce<Key, Value>(make: (key: Key) => Promise<Value>): (key: Key) => Promise<Value> {
  const made = new Map<Key, Promise<Value>>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const making = make(key)
    made.set(key, making)
    making.catch(() => made.delete(key))
    return making
  }
}

async function openBlobAt(
  options: ChunkReaderOptions,
  blobIndex: number,
  sources: (blobId: string) => Promise<BlobSource>,
  contexts: ContextCache,
): Promise<OpenBlob> {
  const blob = blobOf(options.bootstrap, blobIndex)
  const source = await sources(blob.blobId)
  const hasContexts = (blob.features & (BLOB_FEATURES.BATCH | BLOB_FEATURES.ZRAN)) !== 0
  const place = hasContexts ? locateBlobMeta(blob) : undefined
  let meta: BlobMeta | undefined
  if (place !== undefined) {
    const metaSource = await sources(metaBlobId(blob, place.blobId ?? options.bootstrapBlobId))
    const { array, header } = await fetchBlobMeta(blob, (range) =>
      readExactly(metaSource, range, options.signal),
    )
    meta = openBlobMeta(array, header)
  }
  const blobSize = isLegacyStargz(blob)
    ? ((await source.size?.(options.signal)) ?? blob.compressedSize)
    : undefined
  return { blob, source, meta, blobSize, contexts, signal: options.signal }
}

async function readOne(
  open: OpenBlob,
  record: ChunkInfo,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const { blob, source, contexts } = open
  const chunk = metaOf(open, record)
  const context = decodeContextOf(open, record)
  const place = storedPlace(context.layout, chunk)
  checkUnit(blob, place)
  const decode = async (ends: AbortSignal | undefined): Promise<Uint8Array> =>
    decodeWhole(context, chunk, await readExactly(source, place, ends))
  if (chunk.batch === undefined && chunk.zran === undefined)
    return takeChunk(context, record.chunkIndex, chunk, await decode(signal))
  signal?.throwIfAborted()
  const key = `${blob.blobIndex}:${place.offset}`
  // Others may wait for the same context, so it does not end with the one who asked first.
  const whole = await contexts.get(key, () => decode(open.signal))
  try {
    return takeChunk(context, record.chunkIndex, chunk, whole).slice()
  } catch (error) {
    contexts.drop(key)
    throw error
  }
}

function metaOf({ blob, meta, blobSize }: OpenBlob, record: ChunkInfo): ChunkMeta {
  const { chunkIndex, uncompressedSize } = record
  if (meta === undefined) {
    const chunk = chunkMetaOf(record)
    return blobSize === undefined ? chunk : stargzChunk(chunk, chunkIndex, blobSize, blob.blobId)
  }
  const chunk = meta.chunk(chunkIndex)
  if (chunk.uncompressedSize === uncompressedSize) return chunk
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `blob ${blob.blobId}: chunk ${chunkIndex} has ${chunk.uncompressedSize} bytes, the bootstrap says ${uncompressedSize}`,
    { details: { blobId: blob.blobId, chunk: chunkIndex } },
  )
}

function decodeContextOf({ blob, meta, blobSize }: OpenBlob, { digest }: ChunkInfo): DecodeContext {
  const { blobId, compressor, digester } = blob
  const known = digest.some((byte) => byte !== 0) ? digest : undefined
  return {
    ...{ blobId, compressor, digester, cipher: blobCipher(blob), isStargz: blobSize !== undefined },
    layout: meta ?? NO_CONTEXTS,
    expectedDigest: () => known,
  }
}

function blobOf({ blobs }: Bootstrap, blobIndex: number): BlobInfo {
  const blob = blobs[blobIndex]
  if (blob !== undefined) return blob
  throw new FormatError('ERR_FORMAT_OUT_OF_RANGE', `blob ${blobIndex} of ${blobs.length}`, {
    details: { blobIndex, count: blobs.length },
  })
}

function metaBlobId(blob: BlobInfo, id: string | undefined): string {
  if (id !== undefined) return id
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `blob ${blob.blobId}: its blob meta is in the blob that holds this bootstrap, and that blob is not known`,
    { details: { blobId: blob.blobId } },
  )
}

async function readExactly(
  source: BlobSource,
  range: ByteRange,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  signal?.throwIfAborted()
  const bytes = await source.read(range, signal === undefined ? {} : { signal })
  if (bytes.length === range.length) return bytes
  throw new CacheError(
    'ERR_CACHE_SHORT_READ',
    `blob ${source.blobId}: ${bytes.length} bytes came from 0x${range.offset.toString(16)}, expected ${range.length}`,
    { retryable: true, details: { blobId: source.blobId, ...range, found: bytes.length } },
  )
}
