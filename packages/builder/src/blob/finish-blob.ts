// SPDX-License-Identifier: Apache-2.0
/** The end of a layer: chunk array, digests, bootstrap and table of contents, in the order that the options ask for. */
import { type BlobInfo, cipherMembers } from '@nydus/rafs-format'
import {
  type BlobDescription,
  type BootstrapInput,
  writeBootstrap,
  writeBootstrapPieces,
} from '../bootstrap/write-bootstrap.ts'
import type { BuildLayerOptions, BuildPlan } from '../layer/build-options.ts'
import type { LayerChunks } from '../layer/layer-chunks.ts'
import type { FileTree } from '../tree/layer-tree.ts'
import type { OutputDigests } from './blob-output.ts'
import type { BlobReference } from './blob-reference.ts'
import type { BlobWriter } from './blob-writer.ts'

/** Stands for the blob's own id in a bootstrap that is part of the blob. */
const INLINE_BLOB_ID = 'x'.repeat(64)
const NO_DIGEST = new Uint8Array(32)
const NO_IV = new Uint8Array(8)

/** A layer whose chunks are all written. */
export interface UnfinishedLayer {
  readonly plan: BuildPlan
  readonly options: Pick<BuildLayerOptions, 'blobId' | 'prefetchPatterns' | 'bootstrapSink'>
  readonly tree: FileTree
  readonly blob: BlobWriter
  readonly chunks: Pick<LayerChunks, 'blobs'>
  /** Bytes of the blob to read ahead, RAFS v5; 0 for none. */
  readonly prefetchSize: number
}

/** A file that describes a blob and is none itself. */
interface MetaBlob {
  readonly digest: Uint8Array
  readonly size: number
}

/** A finished blob. */
export interface FinishedBlob {
  readonly digests: OutputDigests
  /** Empty when a sink took it. */
  readonly bootstrap: Uint8Array
  /** The blob table of the bootstrap. */
  readonly blobs: readonly BlobDescription[]
}

/** Writes the rest of the blob. */
export async function finishBlob(layer: UnfinishedLayer): Promise<FinishedBlob> {
  const { plan, options, blob } = layer
  blob.finishData()
  if (plan.inlineMeta) {
    const input = describe(layer, INLINE_BLOB_ID)
    const bootstrap = writeBootstrap(input)
    blob.addBootstrap(bootstrap)
    if (plan.toc) blob.finishToc()
    return { bootstrap, blobs: input.blobs, digests: await blob.end() }
  }
  if (plan.toc && blob.chunkCount > 0) blob.finishToc()
  const digests = await blob.end()
  const separate = { digest: Buffer.from(digests.running, 'hex'), size: blob.position }
  const input = describe(layer, options.blobId ?? digests.running, separate)
  const { bootstrapSink } = options
  if (bootstrapSink === undefined) return { digests, blobs: input.blobs, bootstrap: writeBootstrap(input) }
  const pieces = writeBootstrapPieces(input, bootstrapSink.givesBack === true)
  for (const piece of pieces) await bootstrapSink.write(piece)
  return { digests, blobs: input.blobs, bootstrap: new Uint8Array(0) }
}

/** @param separate the file that was written, in case it only describes another one. */
function describe(layer: UnfinishedLayer, ownId: string, separate?: MetaBlob): BootstrapInput {
  const { plan, options, tree, chunks, blob } = layer
  const own = () =>
    blob.reference === undefined
      ? describeBlob(layer, ownId)
      : describeReference(layer, blob.reference, separate)
  const blobs = chunks.blobs.map((other) => other ?? own())
  return {
    fsVersion: plan.fsVersion,
    tree,
    blobs,
    chunkSize: plan.chunkSize,
    compressor: blob.reference === undefined ? plan.compressor : 'gzip',
    digester: plan.digester,
    explicitOwners: plan.explicitOwners,
    prefetchPatterns: plan.prefetchPolicy === 'fs' ? (options.prefetchPatterns ?? []) : [],
  }
}

/** The layer's own entry of the blob table. Its compressed size is what has been written by now. */
function describeBlob({ plan, blob, prefetchSize }: UnfinishedLayer, blobId: string): BlobDescription {
  const meta = blob.metaSection?.header
  return {
    blobId,
    chunkCount: blob.chunkCount,
    compressor: plan.compressor,
    digester: plan.digester,
    features: blob.features,
    compressedSize: blob.position,
    uncompressedSize: blob.uncompressedSize,
    tocSize: blob.tocPlace?.size ?? 0,
    tocDigest: blob.tocPlace?.digest ?? NO_DIGEST,
    metaCompressor: meta?.compressor ?? 'none',
    metaOffset: meta?.metaOffset ?? 0,
    metaCompressedSize: meta?.metaCompressedSize ?? 0,
    metaUncompressedSize: meta?.metaUncompressedSize ?? 0,
    metaBlobDigest: NO_DIGEST,
    metaBlobSize: 0,
    ivTail: NO_IV,
    cipher: 0,
    ...(blob.cipher === undefined ? {} : cipherMembers(blob.cipher)),
    ...(prefetchSize === 0 ? {} : { readaheadSize: prefetchSize }),
  } satisfies Omit<BlobInfo, 'blobIndex' | 'chunkSize'>
}

/** The entry of a blob that exists: it names both files, but for the one that the bootstrap is a part of. */
function describeReference(
  layer: UnfinishedLayer,
  { id, size }: BlobReference,
  separate: MetaBlob | undefined,
): BlobDescription {
  return {
    ...describeBlob(layer, id),
    compressor: 'gzip',
    compressedSize: size,
    ...(separate === undefined ? {} : { metaBlobDigest: separate.digest, metaBlobSize: separate.size }),
  }
}
