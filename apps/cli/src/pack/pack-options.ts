// SPDX-License-Identifier: Apache-2.0
/** Options and result of `packDirectory`. */
import type { BuildProgress, ChunkCompressor, CompactOptions, FsVersion } from '@nydus/builder'

/** Where a packed image is pushed: a directory that daemons read blobs from. */
export interface PushPlace {
  /** Absolute or relative; made when it is missing. */
  readonly directory: string
  /** In front of the bootstrap's name and of the blob's id. */
  readonly metaPrefix: string
  readonly blobPrefix: string
}

/** What to pack. */
export interface PackOptions {
  readonly sourceDir: string
  /** Made when it is missing, default `./.nydus-build-output`. */
  readonly outputDir?: string | undefined
  /** `app` gives `app.meta` and `app.blob`, `app.boot` gives `app.boot` and `app.blob`. */
  readonly name: string
  readonly fsVersion?: FsVersion
  readonly compressor?: ChunkCompressor
  /** Bytes, a power of two from 0x1000 to 0x1000000. */
  readonly chunkSize?: number
  /** File of a bootstrap whose blobs' chunks need not be stored. */
  readonly chunkDictPath?: string | undefined
  /** File of the bootstrap of what lies below. */
  readonly parentPath?: string | undefined
  /** Rewrite little used blobs of the parent first. */
  readonly compact?: CompactOptions | undefined
  /** Where the parent's blobs are; default the output directory. */
  readonly parentBlobsDir?: string | undefined
  readonly push?: PushPlace | undefined
  readonly onProgress?: (progress: BuildProgress) => void
  readonly signal?: AbortSignal
}

/** What was packed. */
export interface PackResult {
  /** Path of the bootstrap. */
  readonly meta: string
  /** Path of the new blob; undefined when all chunks are in other blobs. */
  readonly blob: string | undefined
  /** Ids of the blob table. */
  readonly blobIds: readonly string[]
  /** Bytes of the source's files, of the blob and of the bootstrap. */
  readonly dataSize: number
  readonly blobSize: number
  readonly bootstrapSize: number
  readonly entryCount: number
  readonly elapsedMs: number
}
