// SPDX-License-Identifier: Apache-2.0
/** What a layer build can be told, its defaults and its limits. */
import { isPowerOfTwo } from '@nydus/base/binary'
import type { CipherContext } from '@nydus/base/cipher'
import type { Compressor } from '@nydus/base/compress'
import type { Digester } from '@nydus/base/digest'
import type { ChunkCache } from '../blob/blob-data.ts'
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

/** Version of the RAFS format. */
export type FsVersion = 5 | 6

/**
 * How entries say that something in the layers below is gone: 'oci' by names (`.wh.…`), 'overlayfs' by character
 * devices 0:0 and an xattr of directories, 'none' not at all.
 */
export type WhiteoutSpec = 'oci' | 'overlayfs' | 'none'

/**
 * What becomes of the prefetch patterns: 'fs' writes the prefetch table of the bootstrap, 'blob' the bytes to read ahead
 * of the blob (RAFS v5 built from a directory), 'none' ignores them.
 */
export type PrefetchPolicy = 'fs' | 'blob' | 'none'

/** How a layer is built; members left out have the defaults below. */
export interface BuildLayerOptions {
  /** Where chunks are digested and compressed; several builds may share one pool. */
  readonly pool: ChunkPool
  readonly sink: BlobSink
  /** Default 6. */
  readonly fsVersion?: FsVersion
  /** Default 'zstd'. */
  readonly compressor?: ChunkCompressor
  /** Default 'blake3'. */
  readonly digester?: Digester
  /** Bytes, a power of two from 4 KiB to 16 MiB, default 1 MiB. */
  readonly chunkSize?: number
  /** Files of one chunk below half of this are compressed together: 0 (default) or a power of two up to the chunk size. */
  readonly batchSize?: number
  /** Encrypt chunks and what describes them with a key that the bootstrap holds (AES-128-XTS). RAFS v6 only. */
  readonly encrypt?: boolean
  /** What to encrypt with, instead of a random key and IV: only for builds that must be the same each time. */
  readonly cipher?: CipherContext
  /** RAFS v5: start chunks at multiples of 4096 in the uncompressed blob. RAFS v6 always does. */
  readonly alignedChunk?: boolean
  /** Leave owners out, so that trees unpacked by different users give the same bytes. */
  readonly repeatable?: boolean
  /** Chunks that exist in other blobs and need not be stored. */
  readonly dict?: ChunkDict
  /**
   * Bootstrap of what lies below: whiteouts are applied to it, its chunks are used again, and the bootstrap that comes
   * out is that of the whole image.
   */
  readonly parent?: Uint8Array
  /** How to read whiteouts: with a parent, and in directories. Default 'oci'. */
  readonly whiteoutSpec?: WhiteoutSpec
  /**
   * Takes the bootstrap in order, in pieces, when the blob is complete; the build's own `bootstrap` is then empty, and
   * memory never holds all of it: 200 MB for a million files. Only with `blobInlineMeta: false`.
   */
  readonly bootstrapSink?: BlobSink
  /** Put the bootstrap into the blob, as layers of images have it. Default true. */
  readonly blobInlineMeta?: boolean
  /** Write chunk digests and a table of contents, as layers of images have it. Default true; RAFS v5 has none. */
  readonly blobToc?: boolean
  /** The blob's id in a bootstrap of its own (`blobInlineMeta: false`); default the running digest. */
  readonly blobId?: string
  /** Bytes before the blob in the file that it becomes a part of; default 0. */
  readonly blobOffset?: number
  /** Takes the uncompressed blob as well. Only with compressor 'none', no batches and no encryption. */
  readonly blobCache?: ChunkCache
  /** Absolute paths for the prefetch table of the bootstrap, default none; `/` is the whole layer. */
  readonly prefetchPatterns?: readonly string[]
  /** Default 'fs'. */
  readonly prefetchPolicy?: PrefetchPolicy
  /** Most bytes of plain tar to accept, default 2^44. */
  readonly maxTarBytes?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: BuildProgress) => void
}

/** What a plan is made from. */
type PlannedOptions = Omit<BuildLayerOptions, 'pool' | 'sink'> &
  Partial<Pick<BuildLayerOptions, 'pool' | 'sink'>>

/** Options with all defaults filled in. */
export interface BuildPlan {
  readonly fsVersion: FsVersion
  readonly compressor: ChunkCompressor
  readonly digester: Digester
  readonly chunkSize: number
  /** 0 for no batches. */
  readonly batchSize: number
  readonly encrypt: boolean
  /** Chunks start at multiples of 4096 in the uncompressed blob. */
  readonly alignedChunk: boolean
  readonly explicitOwners: boolean
  readonly whiteoutSpec: WhiteoutSpec
  readonly prefetchPolicy: PrefetchPolicy
  readonly inlineMeta: boolean
  readonly toc: boolean
}

export const DEFAULT_CHUNK_SIZE = 0x10_0000
export const MIN_CHUNK_SIZE = 0x1000
export const MAX_CHUNK_SIZE = 0x100_0000
const COMPRESSORS: readonly string[] = ['none', 'lz4_block', 'zstd'] satisfies ChunkCompressor[]
const DIGESTERS: readonly string[] = ['blake3', 'sha256'] satisfies Digester[]

const FS_VERSIONS: readonly number[] = [5, 6] satisfies FsVersion[]
const WHITEOUT_SPECS: readonly string[] = ['oci', 'overlayfs', 'none'] satisfies WhiteoutSpec[]
const PREFETCH_POLICIES: readonly string[] = ['fs', 'blob', 'none'] satisfies PrefetchPolicy[]
/** Longest blob id: RAFS v6 has a field for it, RAFS v5 a list. */
const MAX_BLOB_ID = { 5: 255, 6: 64 } as const

/**
 * Checks the options and fills in defaults.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for a value out of its range or options that exclude each other,
 *   ERR_BUILD_DICT_MISMATCH for a dictionary that was built with other options.
 */
export function planBuild(options: PlannedOptions): BuildPlan {
  const fsVersion = options.fsVersion ?? 6
  oneOf('fsVersion', fsVersion, FS_VERSIONS)
  const plan: BuildPlan = {
    fsVersion,
    compressor: options.compressor ?? 'zstd',
    digester: options.digester ?? 'blake3',
    chunkSize: options.chunkSize ?? DEFAULT_CHUNK_SIZE,
    batchSize: options.batchSize ?? 0,
    encrypt: options.encrypt ?? false,
    alignedChunk: fsVersion === 6 || (options.alignedChunk ?? false),
    explicitOwners: options.repeatable !== true,
    whiteoutSpec: options.whiteoutSpec ?? 'oci',
    prefetchPolicy: options.prefetchPolicy ?? 'fs',
    inlineMeta: options.blobInlineMeta ?? true,
    toc: options.blobToc ?? fsVersion === 6,
  }
  oneOf('compressor', plan.compressor, COMPRESSORS)
  oneOf('digester', plan.digester, DIGESTERS)
  oneOf('whiteoutSpec', plan.whiteoutSpec, WHITEOUT_SPECS)
  oneOf('prefetchPolicy', plan.prefetchPolicy, PREFETCH_POLICIES)
  checkChunkSize(plan.chunkSize)
  checkBatchSize(plan.batchSize, plan.chunkSize)
  if (options.blobCache !== undefined) checkBlobCache(plan)
  if (fsVersion === 5) checkVersion5(plan)
  checkBlobId(options.blobId, plan)
  if (plan.inlineMeta && options.bootstrapSink !== undefined) {
    throw conflict('a bootstrap goes into the blob or to a sink of its own, not both', {
      blobInlineMeta: true,
    })
  }
  if (options.dict !== undefined) checkDict(options.dict, plan)
  return plan
}

/** @throws {BuildError} ERR_BUILD_OPTION_CONFLICT unless `size` is a power of two from 4 KiB to 16 MiB. */
export function checkChunkSize(size: number): void {
  if (isPowerOfTwo(size) && size >= MIN_CHUNK_SIZE && size <= MAX_CHUNK_SIZE) return
  throw conflict(`chunk size ${size} is not a power of two in ${MIN_CHUNK_SIZE}..${MAX_CHUNK_SIZE}`, {
    chunkSize: size,
  })
}

function checkBatchSize(size: number, chunkSize: number): void {
  if (size === 0) return
  if (!isPowerOfTwo(size) || size < MIN_CHUNK_SIZE || size > chunkSize) {
    const message = `batch size ${size} is neither 0 nor a power of two from ${MIN_CHUNK_SIZE} to the chunk size, ${chunkSize}`
    throw conflict(message, { batchSize: size, chunkSize })
  }
}

/** A cache holds plain chunks, which are at hand only where the blob has them too. */
function checkBlobCache({ compressor, batchSize, encrypt, alignedChunk }: BuildPlan): void {
  if (compressor === 'none' && batchSize === 0 && !encrypt && alignedChunk) return
  const details = { compressor, batchSize, encrypt, alignedChunk }
  throw conflict(
    'a blob cache goes with compressor none, aligned chunks, no batches and no encryption',
    details,
  )
}

/** What RAFS v5 has no place for. */
function checkVersion5({ toc, batchSize, encrypt }: BuildPlan): void {
  if (toc) throw conflict('RAFS v5 has no table of contents in blobs', { fsVersion: 5, blobToc: true })
  if (batchSize > 0) throw conflict('RAFS v5 has no batches of chunks', { fsVersion: 5, batchSize })
  if (encrypt) {
    const message = 'RAFS v5 has no place for the key of an encrypted blob, which nothing could read'
    throw conflict(message, { fsVersion: 5, encrypt })
  }
}

function checkBlobId(blobId: string | undefined, { inlineMeta, fsVersion }: BuildPlan): void {
  if (blobId === undefined) return
  if (inlineMeta) throw conflict('a blob with its bootstrap inside cannot be given an id', { blobId })
  const longest = MAX_BLOB_ID[fsVersion]
  if (blobId.length > longest || !/^[\x21-\x7e]+$/.test(blobId))
    throw conflict(`a blob id has 1 to ${longest} printable ASCII characters`, { blobId })
}

/** A dictionary only helps where its chunks are cut and named like those of the layer. */
function checkDict(dict: ChunkDict, plan: BuildPlan): void {
  const aspects = [
    ['chunks of', dict.chunkSize, plan.chunkSize],
    ['RAFS version', dict.fsVersion ?? plan.fsVersion, plan.fsVersion],
    ['owners recorded:', dict.explicitOwners ?? plan.explicitOwners, plan.explicitOwners],
    ['digests by', plan.fsVersion === 5 ? dict.digester : plan.digester, plan.digester],
  ] as const
  for (const [aspect, found, expected] of aspects) {
    if (found === expected) continue
    const message = `the chunk dictionary has ${aspect} ${found}, the layer is built with ${expected}`
    throw new BuildError('ERR_BUILD_DICT_MISMATCH', message, { details: { aspect, expected, found } })
  }
}

function oneOf<T extends string | number>(name: string, value: T, allowed: readonly T[]): void {
  if (!allowed.includes(value)) {
    throw conflict(`${name} ${JSON.stringify(value)} is not one of ${allowed.join(', ')}`, { [name]: value })
  }
}

function conflict(message: string, details: Readonly<Record<string, unknown>>): BuildError {
  return new BuildError('ERR_BUILD_OPTION_CONFLICT', message, { details })
}
