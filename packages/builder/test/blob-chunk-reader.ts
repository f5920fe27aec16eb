// SPDX-License-Identifier: Apache-2.0
/** A `ChunkReader` over blobs in memory: plain, batched, encrypted, zran and tarfs ones. */
import { decryptXts } from '@nydus/base/cipher'
import { decompressExact, inflateContext } from '@nydus/base/compress'
import {
  BLOB_META_HEADER_BYTES,
  type BlobInfo,
  type BlobMeta,
  type Bootstrap,
  blobCipher,
  type ChunkInfo,
  decodeBlobMetaHeader,
  hasBlobMeta,
  isCompressedChunk,
  openBlobMeta,
} from '@nydus/rafs-format'
import type { ChunkReader } from '../src/chunk-reader.ts'

/** The bytes of one blob; `meta` is its separate meta blob. */
export interface BlobFiles {
  readonly data: Uint8Array
  readonly meta?: Uint8Array
}

export interface CountingReader extends ChunkReader {
  /** Chunks asked for so far. */
  readonly reads: number
  /** Most bytes of chunks that were under way at the same time. */
  readonly mostInFlight: number
}

export function blobChunkReader(
  bootstrap: Bootstrap,
  filesOf: (blob: BlobInfo) => BlobFiles,
): CountingReader {
  const metas = new Map<number, BlobMeta>()
  let reads = 0
  let inFlight = 0
  let mostInFlight = 0

  function metaOf(blob: BlobInfo): BlobMeta {
    const known = metas.get(blob.blobIndex) ?? openMeta(blob, filesOf(blob))
    metas.set(blob.blobIndex, known)
    return known
  }

  function decode(blob: BlobInfo, chunk: ChunkInfo): Uint8Array {
    const { data } = filesOf(blob)
    if (!hasBlobMeta(blob)) {
      const stored = data.subarray(chunk.compressedOffset, chunk.compressedOffset + chunk.compressedSize)
      return decompressExact(
        isCompressedChunk(chunk) ? blob.compressor : 'none',
        stored,
        chunk.uncompressedSize,
      )
    }
    return decodeWithMeta(blob, metaOf(blob), data, chunk)
  }

  return {
    get reads() {
      return reads
    },
    get mostInFlight() {
      return mostInFlight
    },
    async readChunk(blobIndex, chunk, signal) {
      signal?.throwIfAborted()
      reads += 1
      inFlight += chunk.uncompressedSize
      mostInFlight = Math.max(mostInFlight, inFlight)
      await new Promise(setImmediate)
      inFlight -= chunk.uncompressedSize
      signal?.throwIfAborted()
      return new Uint8Array(decode(blobOf(bootstrap, blobIndex), chunk))
    },
    async readStored(blobIndex, { offset, length }) {
      return filesOf(blobOf(bootstrap, blobIndex)).data.slice(offset, offset + length)
    },
  }
}

function blobOf(bootstrap: Bootstrap, blobIndex: number): BlobInfo {
  const blob = bootstrap.blobs[blobIndex]
  if (blob === undefined) throw new Error(`no blob ${blobIndex}`)
  return blob
}

function openMeta(blob: BlobInfo, { data, meta = data }: BlobFiles): BlobMeta {
  const cipher = blobCipher(blob)
  const plain = (bytes: Uint8Array) => (cipher === undefined ? bytes : decryptXts(bytes, cipher))
  const end = blob.metaOffset + blob.metaCompressedSize
  const array = decompressExact(
    blob.metaCompressor,
    plain(meta.subarray(blob.metaOffset, end)),
    blob.metaUncompressedSize,
  )
  return openBlobMeta(array, decodeBlobMetaHeader(plain(meta.subarray(end, end + BLOB_META_HEADER_BYTES))))
}

function decodeWithMeta(blob: BlobInfo, meta: BlobMeta, data: Uint8Array, { chunkIndex }: ChunkInfo) {
  const cipher = blobCipher(blob)
  const chunk = meta.chunk(chunkIndex)
  const plain = (bytes: Uint8Array) =>
    chunk.encrypted && cipher !== undefined ? decryptXts(bytes, cipher) : bytes
  const stored = (size: number) => plain(data.subarray(chunk.compressedOffset, chunk.compressedOffset + size))
  if (chunk.batch !== undefined) {
    const { compressedSize, uncompressedSize } = meta.batchContext(chunk.batch.context)
    const compressor = compressedSize === uncompressedSize ? 'none' : blob.compressor
    const all = decompressExact(compressor, stored(compressedSize), uncompressedSize)
    return all.subarray(chunk.batch.offset, chunk.batch.offset + chunk.uncompressedSize)
  }
  if (chunk.zran !== undefined) {
    const context = meta.zranContext(chunk.zran.context)
    const { inOffset, inSize, outSize, unusedBits, previousByte } = context
    const dictionary = meta.zranDictionary(context)
    const all = inflateContext(data.subarray(inOffset, inOffset + inSize), {
      bits: unusedBits,
      byte: previousByte,
      dictionary,
      outLength: outSize,
    })
    return all.subarray(chunk.zran.offset, chunk.zran.offset + chunk.uncompressedSize)
  }
  const compressor = chunk.compressed ? blob.compressor : 'none'
  return decompressExact(compressor, stored(chunk.compressedSize), chunk.uncompressedSize)
}
