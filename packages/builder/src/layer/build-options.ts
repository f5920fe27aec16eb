// SPDX-License-Identifier: Apache-2.0
/** What a layer build can be told, its defaults and its limits. */
import { isPowerOfTwo } from '@nydus/base/binary'
import type { Compressor } from '@nydus/base/compress'
import type { Digester } from '@nydus/base/digest'
import { BuildError } from '../build-error.ts'
import type { ChunkDict } from '../chunk/chunk-dict.ts'
import type { ChunkPool } from '../chunk/chunk-pool.ts'

/** Compressors that layers are written with. */
export type ChunkCompressor = Exclude<Compressor, 'gzip'>

/** Receives the blob in order. */
export interface BlobSink {
  /**
   * Takes the next bytes of the blob; they belong to the sink from then on. The next call comes only after the
   * returned promise was fulfilled, which is how a slow sink slows the build down. A rejection fails the build.
   */
  write(bytes: Uint8Array): void | Promise<void>
  /** True when the sink needs the bytes only until that promise is fulfilled: their memory is then used again. */
  readonly givesBack?: boolean
}

/** How far a build is. */
export interface BuildProgress {
  /** Bytes of plain tar read. */
  readonly tarBytes: number
  /** Chunks done, duplicates included. */
  readonly chunks: number
  /** Bytes of the blob written. */
  readonly blobBytes: number
}

/** How a layer is built; members left out have the defaults below. */
export interface BuildLayerOptions {
  /** Where chunks are digested and compressed; several builds may share one pool. */
  readonly pool: ChunkPool
  readonly sink: BlobSink
  /** Default 'zstd'. */
  readonly compressor?: ChunkCompressor
  /** Default 'blake3'. */
  readonly digester?: Digester
  /** Bytes, a power of two from 4 KiB to 16 MiB, default 1 MiB. */
  readonly chunkSize?: number
  /** Chunks that exist in other blobs and need not be stored. */
  readonly dict?: ChunkDict
  /** Put the bootstrap into the blob, as layers of images have it. Default true. */
  readonly blobInlineMeta?: boolean
  /** Write chunk digests and a table of contents, as layers of images have it. Default true. */
  readonly blobToc?: boolean
  /** The blob's id in a bootstrap of its own (`blobInlineMeta: false`); default the running digest. */
  readonly blobId?: string
  /** Absolute paths for the prefetch table of the bootstrap, default none; `/` is the whole layer. */
  readonly prefetchPatterns?: readonly string[]
  /** Most bytes of plain tar to accept, default 2^44. */
  readonly maxTarBytes?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: BuildProgress) => void
}

/** Options with all defaults filled in. */
export interface BuildPlan {
  readonly compressor: ChunkCompressor
  readonly digester: Digester
  readonly chunkSize: number
  readonly inlineMeta: boolean
  readonly toc: boolean
}

export const DEFAULT_CHUNK_SIZE = 0x10_0000
export const MIN_CHUNK_SIZE = 0x1000
export const MAX_CHUNK_SIZE = 0x100_0000
const COMPRESSORS: readonly string[] = ['none', 'lz4_block', 'zstd'] satisfies ChunkCompressor[]
const DIGESTERS: readonly string[] = ['blake3', 'sha256'] satisfies Digester[]

/**
 * Checks the options and fills in defaults.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for a value out of its range or options that exclude each other,
 *   ERR_BUILD_DICT_MISMATCH for a dictionary of another chunk size.
 */
export function planBuild(options: BuildLayerOptions): BuildPlan {
  const plan: BuildPlan = {
    compressor: options.compressor ?? 'zstd',
    digester: options.digester ?? 'blake3',
    chunkSize: options.chunkSize ?? DEFAULT_CHUNK_SIZE,
    inlineMeta: options.blobInlineMeta ?? true,
    toc: options.blobToc ?? true,
  }
  oneOf('compressor', plan.compressor, COMPRESSORS)
  oneOf('digester', plan.digester, DIGESTERS)
  checkChunkSize(plan.chunkSize)
  checkBlobId(options.blobId, plan.inlineMeta)
  if (options.dict !== undefined && options.dict.chunkSize !== plan.chunkSize) {
    const expected = plan.chunkSize
    const found = options.dict.chunkSize
    const message = `the chunk dictionary has chunks of ${found} bytes, the layer is built with ${expected}`
    throw new BuildError('ERR_BUILD_DICT_MISMATCH', message, { details: { expected, found } })
  }
  return plan
}

/** @throws {BuildError} ERR_BUILD_OPTION_CONFLICT unless `size` is a power of two from 4 KiB to 16 MiB. */
export function checkChunkSize(size: number): void {
  if (isPowerOfTwo(size) && size >= MIN_CHUNK_SIZE && size <= MAX_CHUNK_SIZE) return
  throw conflict(`chunk size ${size} is not a power of two in ${MIN_CHUNK_SIZE}..${MAX_CHUNK_SIZE}`, {
    chunkSize: size,
  })
}

function checkBlobId(blobId: string | undefined, inlineMeta: boolean): void {
  if (blobId === undefined) return
  if (inlineMeta) throw conflict('a blob with its bootstrap inside cannot be given an id', { blobId })
  if (!/^[\x21-\x7e]{1,64}$/.test(blobId))
    throw conflict('a blob id has 1 to 64 printable ASCII characters', { blobId })
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) {
    throw conflict(`${name} ${JSON.stringify(value)} is not one of ${allowed.join(', ')}`, { [name]: value })
  }
}

function conflict(message: string, details: Readonly<Record<string, unknown>>): BuildError {
  return new BuildError('ERR_BUILD_OPTION_CONFLICT', message, { details })
}
