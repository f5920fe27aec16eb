// SPDX-License-Identifier: Apache-2.0
/**
 * The chunks that a container reads first in a blob of their own, in the order of their first use: a mount fetches that
 * blob as one stream. The file system stays the same.
 */
import { BLOB_FEATURES, type Bootstrap, type ChunkInfo, openBootstrap, SUPER_FLAGS } from '@nydus/rafs-format'
import { loadTree } from '../bootstrap/load-tree.ts'
import type { BlobDescription } from '../bootstrap/write-bootstrap.ts'
import { BuildError } from '../build-error.ts'
import type { ChunkReader } from '../chunk-reader.ts'
import type { CreateBlob } from '../compact/new-blob.ts'
import { repackBlob } from '../compact/repack-blob.ts'
import { chunkAt, mapChunks, rewriteBootstrap } from '../compact/rewrite-bootstrap.ts'
import { ChunkStore } from '../tree/chunk-store.ts'
import type { PrefetchFile } from './prefetch-files.ts'
import { wantedChunks } from './wanted-chunks.ts'

/** What is optimized. */
export interface OptimizeInput {
  readonly bootstrap: Uint8Array | Bootstrap
  /** Reads the blobs of that bootstrap. */
  readonly reader: ChunkReader
  /** In the order of first use. */
  readonly files: readonly PrefetchFile[]
  /** Called once, when there is a chunk to move. */
  readonly createBlob: CreateBlob
  readonly signal?: AbortSignal
}

/** An optimized image. */
export interface OptimizedImage {
  readonly bootstrap: Uint8Array
  /** In table order: those of the source, then the prefetch blob. */
  readonly blobs: readonly BlobDescription[]
  readonly blobIds: readonly string[]
  /** Undefined when no file of the list has data: then the image is as it was. */
  readonly prefetchBlobId: string | undefined
  /** Bytes of the prefetch blob's file. */
  readonly prefetchBlobSize: number
  /** Paths of the list that name no regular file. */
  readonly missing: readonly string[]
}

/**
 * Writes the prefetch blob and the bootstrap that refers to it. Chunks of batched and referenced (zran) blobs are
 * decoded and compressed one by one, those of encrypted blobs encrypted with a new key.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for tarfs images and v5 images of gzip layers, {DigestError} for damaged
 *   chunks, {FormatError} for a damaged bootstrap, and what `reader` and the blob throw. On failure the blob is discarded.
 */
export async function optimizeImage(input: OptimizeInput): Promise<OptimizedImage> {
  const source = input.bootstrap instanceof Uint8Array ? openBootstrap(input.bootstrap) : input.bootstrap
  checkOptimizable(source)
  const chunks = new ChunkStore()
  const { root } = loadTree(source, chunks)
  const { positions, missing } = wantedChunks({ root, chunks }, input.files, source.chunkSize)
  const moved = positions.length === 0 ? undefined : await moveChunks(source, chunks, positions, input)
  const blobs: readonly BlobDescription[] = [...source.blobs, ...(moved ? [moved.description] : [])]
  return {
    bootstrap: rewriteBootstrap(source, { root, chunks: moved?.chunks ?? chunks }, blobs),
    blobs,
    blobIds: blobs.map(({ blobId }) => blobId),
    prefetchBlobId: moved?.description.blobId,
    prefetchBlobSize: moved?.size ?? 0,
    missing,
  }
}

function checkOptimizable(source: Bootstrap): void {
  if ((source.flags & SUPER_FLAGS.TARFS_MODE) === 0n) return
  throw new BuildError(
    'ERR_BUILD_OPTION_CONFLICT',
    'the chunks of a tarfs image are in its tars and cannot be moved',
    {
      hint: 'build the image as tar-rafs',
    },
  )
}

async function moveChunks(
  source: Bootstrap,
  chunks: ChunkStore,
  positions: readonly number[],
  input: OptimizeInput,
) {
  const wanted = positions.map((position) => chunkAt(chunks, position))
  const { description, places, size } = await repackBlob(source, wanted, input, {
    // The original ends the chunk data of RAFS v5 with a tar header.
    trailer: source.fsVersion === 5,
    features: source.fsVersion === 6 ? BLOB_FEATURES.IS_SEPARATED_WITH_PREFETCH_FILES : 0,
  })
  const isMoved = new Set(positions)
  const blobIndex = source.blobs.length
  const place = (chunk: ChunkInfo, position: number): ChunkInfo => {
    const found = isMoved.has(position) ? places.find(chunk) : undefined
    return found === undefined ? chunk : { ...found, blobIndex, fileOffset: chunk.fileOffset }
  }
  return { description, size, chunks: mapChunks(chunks, place) }
}
