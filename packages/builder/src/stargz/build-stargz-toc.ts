// SPDX-License-Identifier: Apache-2.0
/** A stargz layer described by its table of contents alone: nothing of the layer itself is read. */
import { digestFromHex } from '@nydus/base/digest'
import { formatBlobMetaFile } from '@nydus/rafs-format'
import { ChunkRecord } from '@nydus/rafs-format/layout'
import type { BlobReference } from '../blob/blob-reference.ts'
import { BlobWriter } from '../blob/blob-writer.ts'
import { finishBlob } from '../blob/finish-blob.ts'
import { DISCARD_SINK } from '../blob-cache/blob-cache-writer.ts'
import { digestKey } from '../chunk/chunk-dict.ts'
import type { BlobBuild } from '../layer/blob-build.ts'
import { type BlobSink, type BuildLayerOptions, type BuildPlan, planBuild } from '../layer/build-options.ts'
import { createLayerTree, type LayerTree } from '../tree/layer-tree.ts'
import { type StargzFile, stargzFiles } from './toc-files.ts'
import { parseStargzToc } from './toc-json.ts'

/** How a TOC is turned into a bootstrap; members left out have the defaults of `buildLayer`. */
export interface BuildStargzTocOptions
  extends Pick<
    BuildLayerOptions,
    'repeatable' | 'blobInlineMeta' | 'blobToc' | 'prefetchPatterns' | 'prefetchPolicy' | 'signal'
  > {
  /** Id of the layer, hex SHA-256 of it as it is stored. */
  readonly blobId: string
  /** Bytes of the layer up to its TOC: where the last chunk ends. */
  readonly blobDataSize?: number
  /** Bytes before the layer in the file that readers get; default 0. */
  readonly blobOffset?: number
  /** Bytes of the layer's chunks; default 4 MiB. */
  readonly chunkSize?: number
  /** Takes the meta blob, which readers need besides the layer. Default none. */
  readonly sink?: BlobSink
}

/** A described layer: `digest`, `size` and `runningId` are those of the meta blob. */
export interface StargzTocBuild extends BlobBuild {
  /** Id of the layer, which has the chunks. */
  readonly blobId: string
  /** Bytes of the layer that the TOC speaks of. */
  readonly compressedSize: number
}

/** What stargz writers use. */
const STARGZ_CHUNK_BYTES = 4 << 20

/**
 * Describes a stargz layer so that a daemon can read files out of it as it is stored. The same TOC gives the same bytes.
 * @param toc `stargz.index.json`.
 * @throws {FormatError} ERR_FORMAT_CORRUPT, ERR_FORMAT_UNSUPPORTED_VERSION, ERR_FORMAT_UNSUPPORTED_FEATURE for chunks of
 *   another size or inside a shared gzip member; {BuildError} as `buildLayer` for names, links and options; and what the
 *   sink throws.
 */
export async function buildStargzToc(
  toc: Uint8Array,
  options: BuildStargzTocOptions,
): Promise<StargzTocBuild> {
  const signal = options.signal ?? new AbortController().signal
  signal.throwIfAborted()
  const chunkSize = options.chunkSize ?? STARGZ_CHUNK_BYTES
  // Ids and compressors of layers that are built do not apply.
  const { blobId, blobDataSize, blobOffset = 0, ...rest } = options
  const plan = planBuild({ ...rest, chunkSize, compressor: 'none', digester: 'sha256' })
  const files = stargzFiles(parseStargzToc(toc), chunkSize, blobDataSize, blobOffset)
  const size = dataEnd(files)
  const tree = createLayerTree({ explicitOwners: plan.explicitOwners })
  const blob = new BlobWriter(plan, options.sink ?? DISCARD_SINK, signal, tree.chunks, {
    reference: referenceOf(blobId, size),
  })
  const known = new Map<string, number>()
  for (const file of files) if (tree.accepts(file.entry)) addFile(file, tree, blob, known)
  tree.finish()
  return describe(blob, tree, plan, { ...options, blobId, size })
}

async function describe(
  blob: BlobWriter,
  tree: LayerTree,
  plan: BuildPlan,
  options: BuildStargzTocOptions & { readonly size: number },
): Promise<StargzTocBuild> {
  const hasData = blob.chunkCount > 0
  const chunks = { blobs: hasData ? [undefined] : [] }
  const finished = await finishBlob({ plan, options, tree, blob, chunks, prefetchSize: 0 })
  const meta = blob.metaSection
  return {
    blobId: options.blobId,
    digest: digestFromHex(finished.digests.file),
    size: blob.position,
    runningId: finished.digests.running,
    bootstrap: finished.bootstrap,
    blobs: finished.blobs,
    chunkCount: blob.chunkCount,
    uncompressedSize: blob.uncompressedSize,
    compressedSize: options.size,
    dedupBytes: 0,
    dedupChunks: 0,
    hasData,
    ...(meta === undefined ? {} : { blobMeta: formatBlobMetaFile(meta.array, meta.header) }),
  }
}

/** @param known records of the chunks so far by digest and size: the second of two equal chunks is never read. */
function addFile(
  { entry, chunks }: StargzFile,
  tree: LayerTree,
  blob: BlobWriter,
  known: Map<string, number>,
): void {
  const chunkStart = tree.chunks.count
  for (const { digest, size, fileOffset, place } of chunks) {
    const key = `${digestKey(digest)}${size}`
    const record = known.get(key)
    if (record !== undefined) {
      tree.chunks.add({ ...ChunkRecord.decode(tree.chunks.bytes(record)), fileOffset })
      continue
    }
    const chunk = { digest, size, fileOffset, crc32c: 0, blobIndex: 0, fileChunks: chunks.length }
    known.set(key, blob.addChunk(chunk, size, NO_BYTES, place))
  }
  tree.addEntry(entry, { chunkStart, chunkCount: chunks.length })
}

const NO_BYTES = new Uint8Array(0)

function dataEnd(files: readonly StargzFile[]): number {
  let end = 0
  for (const { chunks } of files) {
    for (const { place } of chunks) end = Math.max(end, place.compressedOffset + place.compressedSize)
  }
  return end
}

function referenceOf(id: string, size: number): BlobReference {
  return {
    id,
    size,
    zranPoints: undefined,
    nextChunk() {
      throw new TypeError('the chunks of a TOC come with their places')
    },
  }
}
