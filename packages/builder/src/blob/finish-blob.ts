// SPDX-License-Identifier: Apache-2.0
/** The end of a layer: chunk array, digests, bootstrap and table of contents, in the order that the options ask for. */
import type { BlobInfo } from '@nydus/rafs-format'
import { type BlobDescription, writeBootstrap } from '../bootstrap/write-bootstrap.ts'
import type { BuildLayerOptions, BuildPlan } from '../layer/build-options.ts'
import type { LayerChunks } from '../layer/layer-chunks.ts'
import type { LayerTree } from '../tree/layer-tree.ts'
import type { OutputDigests } from './blob-output.ts'
import type { BlobWriter } from './blob-writer.ts'

/** Stands for the blob's own id in a bootstrap that is part of the blob. */
const INLINE_BLOB_ID = 'x'.repeat(64)
const NO_DIGEST = new Uint8Array(32)
const NO_IV = new Uint8Array(8)

/** A layer whose chunks are all written. */
export interface UnfinishedLayer {
  readonly plan: BuildPlan
  readonly options: BuildLayerOptions
  readonly tree: LayerTree
  readonly blob: BlobWriter
  readonly chunks: LayerChunks
}

/** Writes the rest of the blob. */
export async function finishBlob(
  layer: UnfinishedLayer,
): Promise<{ readonly digests: OutputDigests; readonly bootstrap: Uint8Array }> {
  const { plan, options, blob } = layer
  blob.finishData()
  if (plan.inlineMeta) {
    const bootstrap = bootstrapOf(layer, INLINE_BLOB_ID)
    blob.addBootstrap(bootstrap)
    if (plan.toc) blob.finishToc()
    return { bootstrap, digests: await blob.end() }
  }
  if (plan.toc && blob.chunkCount > 0) blob.finishToc()
  const digests = await blob.end()
  return { digests, bootstrap: bootstrapOf(layer, options.blobId ?? digests.running) }
}

function bootstrapOf({ plan, options, tree, blob, chunks }: UnfinishedLayer, ownId: string): Uint8Array {
  return writeBootstrap({
    tree,
    blobs: chunks.blobs.map((other) => other ?? describeBlob(plan, blob, ownId)),
    chunkSize: plan.chunkSize,
    compressor: plan.compressor,
    digester: plan.digester,
    ...(options.prefetchPatterns === undefined ? {} : { prefetchPatterns: options.prefetchPatterns }),
  })
}

/** The layer's own entry of the blob table. Its compressed size is what has been written by now. */
function describeBlob(plan: BuildPlan, blob: BlobWriter, blobId: string): BlobDescription {
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
  } satisfies Omit<BlobInfo, 'blobIndex' | 'chunkSize'>
}
