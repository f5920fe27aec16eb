// SPDX-License-Identifier: Apache-2.0
/**
 * A blob of chunks that other blobs have already:
 *
 *   v5   chunks · [T]
 *   v6   chunks · [T] · chunk array · header · [T · digests · T · ToC · T]
 *
 * T is a tar header behind its section. A v6 blob gets digests and a ToC when the image's other blobs have them.
 */
import { createHash, randomBytes } from 'node:crypto'
import { alignUp } from '@nydus/base/binary'
import { type CipherContext, encryptXts } from '@nydus/base/cipher'
import type { Digester } from '@nydus/base/digest'
import {
  BLOB_FEATURES,
  type BlobMetaHeader,
  type ChunkInfo,
  type ChunkMeta,
  cipherMembers,
  encodeBlobMetaHeader,
  encodeChunkArray,
  encodeTarTrailer,
  encodeToc,
  isCompressedChunk,
  type TocSection,
} from '@nydus/rafs-format'
import { CHUNK_FLAGS, TOC_ENTRY_NAMES } from '@nydus/rafs-format/layout'
import { BlobOutput } from '../blob/blob-output.ts'
import type { BlobDescription } from '../bootstrap/write-bootstrap.ts'
import { BuildError } from '../build-error.ts'
import type { CompressChunk } from '../chunk/chunk-compressor.ts'
import { createChunkCompressor } from '../chunk/chunk-compressor.ts'
import type { BlobSink, ChunkCompressor, FsVersion } from '../layer/build-options.ts'
import { ChunkStore } from '../tree/chunk-store.ts'

/** What kind of blob is made. */
export interface RepackPlan {
  readonly fsVersion: FsVersion
  /** Of all chunks in the blob. */
  readonly compressor: ChunkCompressor
  readonly digester: Digester
  /** Write digests and a table of contents; v6 only. */
  readonly toc: boolean
  /** Write a tar header behind the chunks even without a ToC. */
  readonly trailer: boolean
  /** Encrypt with a key of its own; v6 only. */
  readonly encrypt: boolean
  /** BLOB_FEATURES besides those that follow from the rest. */
  readonly features: number
}

/** A chunk's bytes for the new blob. */
export interface StoredChunk {
  /** Of the source; place, index and flags are replaced. */
  readonly chunk: ChunkInfo
  /** In the new blob's compressor, or as they are; never encrypted. */
  readonly stored: Uint8Array
  readonly compressed: boolean
}

const CHUNK_ALIGNMENT = 4096
/** Chunk indexes have 24 bits, the last one is taken. */
const MAX_CHUNKS = 0xff_ffff
const DIGEST_BYTES = 32
const NO_DIGEST = new Uint8Array(DIGEST_BYTES)
const NO_IV = new Uint8Array(8)

/** Takes chunks, then describes itself. */
export class RepackedBlob {
  readonly #plan: RepackPlan
  readonly #output: BlobOutput
  readonly #compress: CompressChunk
  readonly #cipher: CipherContext | undefined
  readonly #chunks = new ChunkStore()
  readonly #sections: TocSection[] = []
  #uncompressedSize = 0
  #tocPlace = { tocSize: 0, tocDigest: NO_DIGEST }

  /** @param signal ends waiting for the sink. */
  constructor(plan: RepackPlan, sink: BlobSink, signal: AbortSignal) {
    this.#plan = plan
    this.#output = new BlobOutput(sink, signal)
    this.#cipher = plan.encrypt ? newCipher() : undefined
    this.#compress = createChunkCompressor(plan.compressor)
  }

  /** Number of chunks so far. */
  get chunkCount(): number {
    return this.#chunks.count
  }

  /**
   * Appends a chunk.
   * @returns its record in the new blob, with `blobIndex` and `fileOffset` of the source.
   * @throws {BuildError} ERR_BUILD_TOO_LARGE past 2^24 − 1 chunks.
   */
  async add({ chunk, stored, compressed }: StoredChunk): Promise<ChunkInfo> {
    if (this.chunkCount >= MAX_CHUNKS) {
      throw new BuildError('ERR_BUILD_TOO_LARGE', `the new blob has more than ${MAX_CHUNKS} chunks`)
    }
    const bytes = this.#cipher === undefined ? stored : encryptXts(stored, this.#cipher)
    const record: ChunkInfo = {
      ...chunk,
      flags:
        (chunk.flags & CHUNK_FLAGS.HAS_CRC32C) |
        (compressed ? CHUNK_FLAGS.COMPRESSED : 0) |
        (this.#cipher ? CHUNK_FLAGS.ENCRYPTED : 0),
      compressedSize: bytes.length,
      compressedOffset: this.#output.position,
      uncompressedOffset: this.#uncompressedSize,
      chunkIndex: this.chunkCount,
    }
    this.#chunks.add(record)
    this.#output.put(bytes)
    const size = chunk.uncompressedSize
    this.#uncompressedSize += this.#plan.fsVersion === 6 ? alignUp(size, CHUNK_ALIGNMENT) : size
    if (this.#output.isFull) await this.#output.flush()
    return record
  }

  /** Writes what describes the chunks. @returns the blob's entry of the blob table. */
  async finish(): Promise<BlobDescription> {
    const { plan, dataSize } = { plan: this.#plan, dataSize: this.#output.position }
    if (this.#framed) this.#endData(dataSize)
    const meta = plan.fsVersion === 6 ? this.#addMeta() : undefined
    if (plan.toc) this.#addDigestsAndToc()
    const compressedSize = plan.fsVersion === 6 ? this.#output.position : dataSize
    const digests = await this.#output.end()
    return {
      blobId: digests.file,
      chunkCount: this.chunkCount,
      compressor: plan.compressor,
      digester: plan.digester,
      features: this.#features,
      compressedSize,
      uncompressedSize: this.#uncompressedSize,
      ...this.#tocPlace,
      metaCompressor: meta?.compressor ?? 'none',
      metaOffset: meta?.metaOffset ?? 0,
      metaCompressedSize: meta?.metaCompressedSize ?? 0,
      metaUncompressedSize: meta?.metaUncompressedSize ?? 0,
      ...(this.#cipher
        ? cipherMembers(this.#cipher)
        : { metaBlobDigest: NO_DIGEST, metaBlobSize: 0, ivTail: NO_IV, cipher: 0 }),
    }
  }

  get #framed(): boolean {
    return this.#plan.toc || this.#plan.trailer
  }

  get #features(): number {
    const { fsVersion, toc, features } = this.#plan
    if (fsVersion === 5) return (BLOB_FEATURES.CAP_TAR_TOC | features) >>> 0
    return (
      BLOB_FEATURES.CAP_TAR_TOC |
      BLOB_FEATURES.ALIGNED |
      (this.#framed ? BLOB_FEATURES.HAS_TAR_HEADER : 0) |
      (toc ? BLOB_FEATURES.HAS_TOC | BLOB_FEATURES.INLINED_CHUNK_DIGEST : 0) |
      (this.#cipher ? BLOB_FEATURES.CHUNK_INFO_V2 | BLOB_FEATURES.ENCRYPTED : 0) |
      features
    )
  }

  #endData(size: number): void {
    this.#output.put(encodeTarTrailer(TOC_ENTRY_NAMES.BLOB, size))
    this.#sections.push({
      name: TOC_ENTRY_NAMES.BLOB,
      compressor: 'none',
      // The original's digest of this section covers its trailer as well.
      digest: this.#output.digestSoFar(),
      compressedOffset: 0,
      compressedSize: size,
      uncompressedSize: this.#uncompressedSize,
    })
  }

  #addMeta(): BlobMetaHeader {
    const records = Array.from({ length: this.chunkCount }, (_, i) => this.#metaOf(this.#chunks.get(i)))
    const { bytes: array, ...shape } = encodeChunkArray({ version: this.#cipher ? 2 : 1, chunks: records })
    const packed = this.#compress(array)
    const stored = packed ?? array
    const header: BlobMetaHeader = {
      ...shape,
      features: this.#features,
      compressor: packed === undefined ? 'none' : this.#plan.compressor,
      metaOffset: this.#output.position,
      metaCompressedSize: stored.length,
      metaUncompressedSize: array.length,
    }
    const headerBytes = encodeBlobMetaHeader(header)
    this.#addToc(TOC_ENTRY_NAMES.META, array, stored, header.compressor)
    this.#output.put(this.#sealed(stored))
    this.#addToc(TOC_ENTRY_NAMES.META_HEADER, headerBytes, headerBytes, 'none')
    this.#output.put(this.#sealed(headerBytes))
    if (this.#framed) {
      this.#output.put(encodeTarTrailer(TOC_ENTRY_NAMES.META, stored.length + headerBytes.length))
    }
    return header
  }

  #metaOf(chunk: ChunkInfo): ChunkMeta {
    return {
      uncompressedOffset: chunk.uncompressedOffset,
      uncompressedSize: chunk.uncompressedSize,
      compressedOffset: chunk.compressedOffset,
      compressedSize: chunk.compressedSize,
      compressed: isCompressedChunk(chunk),
      encrypted: this.#cipher !== undefined,
    }
  }

  #sealed(bytes: Uint8Array): Uint8Array {
    return this.#cipher === undefined ? bytes : encryptXts(bytes, this.#cipher)
  }

  #addDigestsAndToc(): void {
    const digests = new Uint8Array(this.chunkCount * DIGEST_BYTES)
    for (let i = 0; i < this.chunkCount; i++) digests.set(this.#chunks.get(i).digest, i * DIGEST_BYTES)
    this.#addToc(TOC_ENTRY_NAMES.DIGEST, digests, digests, 'none')
    this.#output.put(digests)
    this.#output.put(encodeTarTrailer(TOC_ENTRY_NAMES.DIGEST, digests.length))
    const toc = encodeToc(this.#sections)
    const trailer = encodeTarTrailer(TOC_ENTRY_NAMES.TOC, toc.length)
    this.#output.put(toc)
    this.#output.put(trailer)
    this.#tocPlace = {
      tocSize: toc.length + trailer.length,
      tocDigest: createHash('sha256').update(toc).update(trailer).digest(),
    }
  }

  #addToc(name: string, content: Uint8Array, stored: Uint8Array, compressor: TocSection['compressor']): void {
    this.#sections.push({
      name,
      compressor,
      digest: createHash('sha256').update(content).digest(),
      compressedOffset: this.#output.position,
      compressedSize: stored.length,
      uncompressedSize: content.length,
    })
  }
}

/** XTS wants two halves that differ. */
function newCipher(): CipherContext {
  for (;;) {
    const key = randomBytes(32)
    if (!key.subarray(0, 16).equals(key.subarray(16))) return { key, iv: randomBytes(16) }
  }
}
