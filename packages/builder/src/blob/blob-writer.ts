// SPDX-License-Identifier: Apache-2.0
/**
 * Writes one layer blob:
 *
 *   chunks · [T] · chunk array · header · [T] · {digests · T} · [bootstrap · T] · {ToC · T}
 *
 * T is a tar header behind its section, {} only with a ToC, [T] only with a ToC or an embedded bootstrap. A layer
 * without chunks has only the bootstrap and the ToC. Blobs of RAFS v5 have no chunk array.
 */
import { createHash } from 'node:crypto'
import type { Compressor } from '@nydus/base/compress'
import { BLOB_FEATURES, encodeTarTrailer, encodeToc, type TocSection } from '@nydus/rafs-format'
import { TOC_ENTRY_NAMES } from '@nydus/rafs-format/layout'
import { zstdOneShot } from '../chunk/chunk-compressor.ts'
import type { BlobSink, BuildPlan } from '../layer/build-options.ts'
import { ChunkStore } from '../tree/chunk-store.ts'
import { BlobData, type BlobExtras, type NewChunk } from './blob-data.ts'
import { encodeMetaSection, type MetaSection } from './blob-meta-section.ts'
import { BlobOutput, type OutputDigests } from './blob-output.ts'
import type { BlobReference, ReferencedChunk } from './blob-reference.ts'

const DIGEST_BYTES = 32

/** The sections behind the chunks, as they are written. */
export class BlobWriter {
  readonly #plan: BuildPlan
  readonly #output: BlobOutput
  readonly #data: BlobData
  readonly #extras: BlobExtras
  readonly #sections: TocSection[] = []
  /** The blob that has the chunks, when what is written here only describes them. */
  readonly reference: BlobReference | undefined
  #metaSection: MetaSection | undefined
  #tocPlace: { readonly size: number; readonly digest: Uint8Array } | undefined

  /**
   * @param signal ends waiting for the sink.
   * @param records where chunks are described; the tree's own list saves a copy of each.
   */
  constructor(
    plan: BuildPlan,
    sink: BlobSink,
    signal: AbortSignal,
    records: ChunkStore = new ChunkStore(),
    extras: BlobExtras & { readonly reference?: BlobReference | undefined } = {},
  ) {
    this.#plan = plan
    this.#extras = extras
    this.#output = new BlobOutput(sink, signal)
    this.#data = new BlobData(plan, this.#output, records, extras, extras.reference !== undefined)
    this.reference = extras.reference
  }

  /** Bytes of the blob so far. */
  get position(): number {
    return this.#output.position
  }

  get chunkCount(): number {
    return this.#data.chunkCount
  }

  /** Bytes of the uncompressed blob. */
  get uncompressedSize(): number {
    return this.#data.uncompressedSize
  }

  /** Key and IV of an encrypted blob. */
  get cipher(): BlobExtras['cipher'] {
    return this.#extras.cipher
  }

  /** BLOB_FEATURES of the blob as it will be. */
  get features(): number {
    const { inlineMeta, toc, fsVersion, batchSize } = this.#plan
    const { reference } = this
    return (
      BLOB_FEATURES.CAP_TAR_TOC |
      (fsVersion === 6 ? BLOB_FEATURES.ALIGNED : 0) |
      (inlineMeta ? BLOB_FEATURES.INLINED_FS_META : 0) |
      (this.#framed ? BLOB_FEATURES.HAS_TAR_HEADER : 0) |
      (toc ? BLOB_FEATURES.HAS_TOC : 0) |
      (toc && this.chunkCount > 0 ? BLOB_FEATURES.INLINED_CHUNK_DIGEST : 0) |
      (this.#metaVersion === 2 ? BLOB_FEATURES.CHUNK_INFO_V2 : 0) |
      (batchSize > 0 ? BLOB_FEATURES.BATCH : 0) |
      (this.cipher === undefined ? 0 : BLOB_FEATURES.ENCRYPTED) |
      (reference === undefined ? 0 : BLOB_FEATURES.SEPARATE) |
      (reference?.zranPoints === undefined ? 0 : BLOB_FEATURES.ZRAN)
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

  async flush(): Promise<void> {
    await this.#output.flush()
    await this.#extras.cache?.flush()
  }

  /** Appends a chunk, see BlobData. */
  addChunk(chunk: NewChunk, size: number, stored: Uint8Array, referenced?: ReferencedChunk): number {
    return this.#data.add(chunk, size, stored, referenced)
  }

  /** Ends the chunk data and writes what describes it. Does nothing for a blob without chunks. */
  finishData(): void {
    if (this.chunkCount === 0) return
    this.#data.finish()
    if (this.reference === undefined) this.#endData()
    if (this.#plan.fsVersion === 6) this.#addMeta()
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

  get #metaVersion(): 1 | 2 {
    const { batchSize } = this.#plan
    return batchSize > 0 || this.cipher !== undefined || this.reference !== undefined ? 2 : 1
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
      compressedOffset: this.#extras.offset ?? 0,
      compressedSize: size,
      uncompressedSize: this.uncompressedSize,
    })
  }

  #addMeta(): void {
    const section = encodeMetaSection(
      {
        version: this.#metaVersion,
        chunks: this.#data.chunkMetas(),
        batchContexts: this.#data.batchContexts ?? [],
        zranPoints: this.reference?.zranPoints ?? [],
      },
      {
        compressor: this.reference === undefined ? this.#plan.compressor : 'zstd',
        features: this.features,
        metaOffset: this.#output.position,
        cipher: this.cipher,
      },
    )
    const { array, stored, header, headerBytes, storedHeader } = section
    this.#addToc(TOC_ENTRY_NAMES.META, array, stored, header.compressor)
    this.#output.put(stored)
    this.#addToc(TOC_ENTRY_NAMES.META_HEADER, headerBytes, storedHeader, 'none')
    this.#output.put(storedHeader)
    if (this.#framed) {
      this.#output.put(encodeTarTrailer(TOC_ENTRY_NAMES.META, stored.length + storedHeader.length))
    }
    this.#metaSection = section
  }

  #addDigests(): void {
    const digests = new Uint8Array(this.chunkCount * DIGEST_BYTES)
    for (let i = 0; i < this.chunkCount; i++) digests.set(this.#data.chunk(i).digest, i * DIGEST_BYTES)
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
