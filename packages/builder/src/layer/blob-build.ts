// SPDX-License-Identifier: Apache-2.0
/** What comes out of a build, whatever it was made from. */
import { type Digest, digestFromHex } from '@nydus/base/digest'
import { formatBlobMetaFile } from '@nydus/rafs-format'
import { finishBlob } from '../blob/finish-blob.ts'
import type { BlobDescription } from '../bootstrap/write-bootstrap.ts'
import type { FileTree } from '../tree/layer-tree.ts'
import type { BlobSession } from './blob-session.ts'
import type { LayerChunks } from './layer-chunks.ts'

/** A built blob and its bootstrap. */
export interface BlobBuild {
  /** Hex SHA-256 of the blob as it was written: its name in registries and in merged bootstraps. */
  readonly blobId: string
  readonly digest: Digest
  /** Bytes of the blob. 0 for a layer without data whose bootstrap is not inside its blob. */
  readonly size: number
  /** Hex SHA-256 without the chunk digests: the name that the original builder gives to the file. */
  readonly runningId: string
  /** The bootstrap, uncompressed; the one inside the blob when it is inlined; empty when a sink took it. */
  readonly bootstrap: Uint8Array
  /** The blob table of the bootstrap: parent and dictionary blobs, and the own one where it has chunks. */
  readonly blobs: readonly BlobDescription[]
  /** Chunks in the blob. */
  readonly chunkCount: number
  /** Bytes of the uncompressed blob. */
  readonly uncompressedSize: number
  /** Bytes of file data that needed no storing. */
  readonly dedupBytes: number
  /** Chunks that needed no storing. */
  readonly dedupChunks: number
  /** The `<id>.blob.meta` file; absent for a layer without data and for RAFS v5. */
  readonly blobMeta?: Uint8Array | undefined
  /** True when the blob holds chunks. */
  readonly hasData: boolean
}

/** Ends the blob of a session whose files are all stored. @param prefetchSize stored bytes to read ahead, RAFS v5. */
export async function finishBuild(
  session: BlobSession,
  tree: FileTree,
  chunks: LayerChunks,
  prefetchSize = 0,
): Promise<BlobBuild> {
  const { plan, options, blob } = session
  chunks.finish()
  const { digests, bootstrap, blobs } = await finishBlob({ plan, options, tree, blob, chunks, prefetchSize })
  const meta = blob.metaSection
  return {
    blobId: digests.file,
    digest: digestFromHex(digests.file),
    size: blob.position,
    runningId: digests.running,
    bootstrap,
    blobs,
    chunkCount: blob.chunkCount,
    uncompressedSize: blob.uncompressedSize,
    dedupBytes: chunks.dedupBytes,
    dedupChunks: chunks.dedupChunks,
    hasData: blob.chunkCount > 0,
    // Made when it is asked for: 16 MB for a million chunks.
    get blobMeta() {
      return meta === undefined ? undefined : formatBlobMetaFile(meta.array, meta.header)
    },
  }
}
