// SPDX-License-Identifier: Apache-2.0
/**
 * Writes one layer blob:
 *
 *   chunks · [T] · chunk array · header · [T] · {digests · T} · [bootstrap · T] · {ToC · T}
 *
 * T is a tar header behind its section, {} only with a ToC, [T] only with a ToC or an embedded bootstrap. A layer
 * without chunks has only the bootstrap and the ToC.
 */
import { createHash } from 'node:crypto'
import { alignUp } from '@nydus/base/binary'
import type { Compressor } from '@nydus/base/compress'
import {
  BLOB_FEATURES,
  type ChunkInfo,
  encodeTarTrailer,
  encodeToc,
  type TocSection,
} from '@nydus/rafs-format'
import { CHUNK_FLAGS, TOC_ENTRY_NAMES } from '@nydus/rafs-format/layout'
import { BuildError } from '../build-error.ts'
import { zstdOneShot } from '../chunk/chunk-compressor.ts'
import type { BlobSink, BuildPlan } from '../layer/build-options.ts'
import { ChunkStore } from '../tree/chunk-store.ts'
import { encodeMetaSection, type MetaSection } from './blob-meta-section.ts'
import { BlobOutput, type OutputDigests } from './blob-output.ts'

/** Uncompressed chunks start at multiples of this. */
const CHUNK_ALIGNMENT = 4096
/** Chunk indexes have 24 bits, the last one is taken. */
const MAX_CHUNKS = 0xff_ffff
const DIGEST_BYTES = 32

/** The sections behind the chunks, as they are written. */
export class BlobWriter {
  readonly #plan: BuildPlan
  readonly #output: BlobOutput
  readonly #chunks = new ChunkStore()
  readonly #sections: TocSection[] = []
  #uncompressedSize = 0
  #metaSection: MetaSection | undefined
  #tocPlace: { readonly size: number; readonly digest: Uint8Array } | undefined

  /** @param signal ends waiting for the sink. */
  constructor(plan: BuildPlan, sink: BlobSink, signal: AbortSignal) {
    this.#plan = plan
    this.#output = new BlobOutput(sink, signal)
  }

  /** Bytes of the blob so far. */
  get position(): number {
    return this.#output.position
  }

  get chunkCount(): number {
    return this.#chunks.count
  }

  /** Bytes of the uncompressed blob. */
  get uncompressedSize(): number {
    return this.#uncompressedSize
  }

  /** BLOB_FEATURES of the blob as it will be. */
  get features(): number {
    const { inlineMeta, toc } = this.#plan
    return (
      BLOB_FEATURES.CAP_TAR_TOC |
      BLOB_FEATURES.ALIGNED |
      (inlineMeta ? BLOB_FEATURES.INLINED_FS_META : 0) |
      (this.#framed ? BLOB_FEATURES.HAS_TAR_HEADER : 0) |
      (toc ? BLOB_FEATURES.HAS_TOC : 0) |
      (toc && this.chunkCount > 0 ? BLOB_FEATURES.INLINED_CHUNK_DIGEST : 0)
    )
  }

  /** The chunk array and its place, known after `finishData`; undefined for a blob without chunks. */
  get metaSection(): MetaSection | undefined {
    return this.#metaSection
  }

  /** Size and digest of the ToC with its trailer, known after `finishToc`. */
  get tocPlace(): { readonly size: number; readonly digest: Uint8Array } | undefined {
    return this.#tocPlace
  }

  /** True when `flush` should be awaited before more is added. */
  get isFull(): boolean {
    return this.#output.isFull
  }

  flush(): Promise<void> {
    return this.#output.flush()
  }

  /** The chunk of an index given out by `addChunk`: a lazy view. */
  chunk(index: number): ChunkInfo {
    return this.#chunks.get(index)
  }

  /**
   * Appends a chunk. @returns its index.
   * @param stored its bytes as stored, copied; of `size` bytes when it is not compressed.
   * @throws {BuildError} ERR_BUILD_TOO_LARGE past 2^24 − 1 chunks.
   */
  addChunk(
    chunk: Pick<ChunkInfo, 'digest' | 'crc32c' | 'blobIndex'>,
    size: number,
    stored: Uint8Array,
  ): number {
    if (this.#chunks.count >= MAX_CHUNKS) {
      throw new BuildError('ERR_BUILD_TOO_LARGE', `the layer has more than ${MAX_CHUNKS} chunks`, {
        hint: 'build it with larger chunks',
      })
    }
    const compressed = stored.length < size
    const index = this.#chunks.add({
      digest: chunk.digest,
      blobIndex: chunk.blobIndex,
      flags: CHUNK_FLAGS.HAS_CRC32C | (compressed ? CHUNK_FLAGS.COMPRESSED : 0),
      compressedSize: stored.length,
      uncompressedSize: size,
      compressedOffset: this.#output.position,
      uncompressedOffset: this.#uncompressedSize,
      fileOffset: 0,
      chunkIndex: this.#chunks.count,
      crc32c: chunk.crc32c,
    })
    this.#output.put(stored)
    this.#uncompressedSize += alignUp(size, CHUNK_ALIGNMENT)
    return index
  }

  /** Ends the chunk data and writes what describes it. Does nothing for a blob without chunks. */
  finishData(): void {
    if (this.chunkCount === 0) return
    this.#endData()
    this.#addMeta()
    if (this.#plan.toc) this.#addDigests()
  }

  /** Embeds the layer's bootstrap: compressed only where a ToC can say so. */
  addBootstrap(bootstrap: Uint8Array): void {
    const compressed = this.#plan.toc ? zstdOneShot(bootstrap) : bootstrap
    const stored = compressed.length < bootstrap.length ? compressed : bootstrap
    this.#addSection(TOC_ENTRY_NAMES.BOOTSTRAP, bootstrap, stored, stored === bootstrap ? 'none' : 'zstd')
  }

  /** Writes the table of contents. */
  finishToc(): void {
    const toc = encodeToc(this.#sections)
    const trailer = encodeTarTrailer(TOC_ENTRY_NAMES.TOC, toc.length)
    this.#output.put(toc)
    this.#output.put(trailer)
    const digest = createHash('sha256').update(toc).update(trailer).digest()
    this.#tocPlace = { size: toc.length + trailer.length, digest }
  }

  /** Writes out what is left. */
  end(): Promise<OutputDigests> {
    return this.#output.end()
  }

  get #framed(): boolean {
    return this.#plan.inlineMeta || this.#plan.toc
  }

  #endData(): void {
    const size = this.#output.position
    if (!this.#framed) return
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

  #addMeta(): void {
    const section = encodeMetaSection(
      this.#chunks,
      this.#plan.compressor,
      this.features,
      this.#output.position,
    )
    const { array, stored, header, headerBytes } = section
    this.#addToc(TOC_ENTRY_NAMES.META, array, stored, header.compressor)
    this.#output.put(stored)
    this.#addToc(TOC_ENTRY_NAMES.META_HEADER, headerBytes, headerBytes, 'none')
    this.#output.put(headerBytes)
    if (this.#framed) {
      this.#output.put(encodeTarTrailer(TOC_ENTRY_NAMES.META, stored.length + headerBytes.length))
    }
    this.#metaSection = section
  }

  #addDigests(): void {
    const digests = new Uint8Array(this.chunkCount * DIGEST_BYTES)
    for (let i = 0; i < this.chunkCount; i++) digests.set(this.#chunks.get(i).digest, i * DIGEST_BYTES)
    this.#addToc(TOC_ENTRY_NAMES.DIGEST, digests, digests, 'none')
    this.#output.putUnhashed(digests)
    this.#output.put(encodeTarTrailer(TOC_ENTRY_NAMES.DIGEST, digests.length))
  }

  #addSection(name: string, content: Uint8Array, stored: Uint8Array, compressor: Compressor): void {
    this.#addToc(name, content, stored, compressor)
    this.#output.put(stored)
    this.#output.put(encodeTarTrailer(name, stored.length))
  }

  #addToc(name: string, content: Uint8Array, stored: Uint8Array, compressor: Compressor): void {
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
