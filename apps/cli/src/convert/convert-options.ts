// SPDX-License-Identifier: Apache-2.0
/** Options of `convertImage`: documented members, one table of defaults, one check. */
import { isPowerOfTwo } from '@nydus/base/binary'
import { NydusError } from '@nydus/base/error'
import type { CredentialSource } from '@nydus/registry-client'
import { BUILDER_VERSION } from '../version.ts'
import { parseChunkDictSource } from './chunk-dictionary.ts'
import type { ConvertListener } from './convert-events.ts'
import type { SharedLayers } from './layer-cache.ts'

/** Compressors a blob can be written with. */
export type BlobCompressor = 'none' | 'lz4_block' | 'zstd'

/** What `convertImage` needs to know. */
export interface ConvertOptions {
  /** A registry reference, `oci:DIR[:tag]`, `oci-archive:FILE[:tag]` or `docker-archive:FILE[:tag]`. */
  readonly source: string
  /** A registry reference, `oci:DIR[:tag]` or `oci-archive:FILE[:tag]`. */
  readonly target: string
  /** Accept certificates that do not verify, and plain HTTP where HTTPS is not spoken. */
  readonly sourceInsecure?: boolean
  readonly targetInsecure?: boolean
  /** Speak plain HTTP to registries. */
  readonly plainHttp?: boolean
  /** Default: Docker's configuration and credential helpers. */
  readonly credentials?: CredentialSource
  /** Version of the RAFS format. */
  readonly fsVersion?: 5 | 6
  readonly compressor?: BlobCompressor
  /** What names chunks. */
  readonly digester?: 'blake3' | 'sha256'
  /** Bytes, a power of two from 0x1000 to 0x1000000. */
  readonly chunkSize?: number
  /** Bytes: small files are compressed together up to this, 0 or a power of two from 0x1000 to the chunk size. RAFS 6. */
  readonly batchSize?: number
  /** Encrypt blobs with a random key that the bootstrap holds. RAFS 6. */
  readonly encrypt?: boolean
  /** Start chunks at multiples of 4096 in RAFS 5; RAFS 6 always does. */
  readonly alignedChunk?: boolean
  /** Leave the data in the source's gzip layers and only describe where it lies (zran). Forces RAFS 6 and OCI media types. */
  readonly ociRef?: boolean
  /** The other way: a Nydus image becomes an OCI image again, a layer for each blob. */
  readonly reverse?: boolean
  /** Push an index that has the source's images beside the new ones. */
  readonly mergePlatform?: boolean
  /** `bootstrap:registry:IMAGE` or `bootstrap:local:FILE`: chunks that need not be stored again. */
  readonly chunkDict?: string
  readonly chunkDictInsecure?: boolean
  /** A reference: layers that were converted before are taken from there, new ones are added. */
  readonly buildCache?: string
  readonly buildCacheInsecure?: boolean
  /** Records of another version are not used. */
  readonly buildCacheVersion?: string
  /** From 1 to 200. */
  readonly buildCacheMaxRecords?: number
  /** Put blobs into this directory and list none in the manifest, for daemons with a localfs backend. */
  readonly blobDirectory?: string
  /** Write a blob although `blobDirectory` has it. */
  readonly overwriteBlobs?: boolean
  /** Layers that other conversions of this process made. */
  readonly sharedLayers?: SharedLayers
  /** Platforms to convert out of an index, e.g. `['linux/amd64', 'linux/arm64']`; 'all' takes every image in it. */
  readonly platforms?: readonly string[] | 'all'
  /** 'source' keeps the source's family of media types, 'oci' writes OCI's. */
  readonly mediaTypes?: 'source' | 'oci'
  /** Link the new manifest to the source's with `subject`. */
  readonly withReferrer?: boolean
  /** Absolute paths whose files are prefetched first; at least one. */
  readonly prefetchPatterns?: readonly string[]
  /** What to do with a source that is a Nydus image already. */
  readonly nydusSource?: 'refuse' | 'copy'
  /** Directory for temporary files; made if missing, removed at the end if it was made. */
  readonly workDir?: string
  /** 'keep' leaves each layer's bootstrap, what was built and the metrics in `workDir`. */
  readonly workFiles?: 'keep' | 'remove'
  /** Also write the annotations of nydusify before 2.0. */
  readonly traceAnnotations?: boolean
  /** Layers that are built at the same time. */
  readonly layerConcurrency?: number
  /** How often a failed push is tried again. */
  readonly pushRetryCount?: number
  /** Milliseconds before the first retry; each further one waits twice as long. */
  readonly pushRetryDelayMs?: number
  /** Bytes a request of a chunked upload; 0 sends each blob in one request. */
  readonly pushChunkBytes?: number
  /** What the target's annotations say instead of `source`. */
  readonly sourceReference?: string
  /** What the target's annotations say about the builder. */
  readonly builderVersion?: string
  readonly onEvent?: ConvertListener
  /** Stops the conversion; everything temporary is removed before the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Options with defaults filled in and checked. */
export type CheckedConvertOptions = ConvertOptions & Required<Omit<ConvertOptions, OptionalMember>>
type OptionalMember =
  | 'source'
  | 'target'
  | 'credentials'
  | 'sourceReference'
  | 'signal'
  | 'chunkDict'
  | 'buildCache'
  | 'blobDirectory'
  | 'sharedLayers'

const DEFAULT_CONVERT_OPTIONS: Readonly<Required<Omit<ConvertOptions, OptionalMember>>> = {
  sourceInsecure: false,
  targetInsecure: false,
  plainHttp: false,
  fsVersion: 6,
  compressor: 'zstd',
  digester: 'blake3',
  chunkSize: 0x100000,
  batchSize: 0,
  encrypt: false,
  alignedChunk: false,
  ociRef: false,
  reverse: false,
  mergePlatform: false,
  chunkDictInsecure: false,
  buildCacheInsecure: false,
  buildCacheVersion: 'v1',
  buildCacheMaxRecords: 200,
  overwriteBlobs: false,
  platforms: [],
  mediaTypes: 'source',
  withReferrer: false,
  prefetchPatterns: ['/'], // the original's default: the whole image, in the order of its inodes
  nydusSource: 'refuse',
  workDir: './tmp',
  workFiles: 'remove',
  traceAnnotations: false,
  layerConcurrency: 2, // keeps two cores busy; three were no faster (measured) and cost 40 MB more
  pushRetryCount: 3,
  pushRetryDelayMs: 5000,
  pushChunkBytes: 0,
  builderVersion: BUILDER_VERSION,
  onEvent: () => undefined,
}

/** Fills in defaults. @throws {NydusError} ERR_USAGE for a value that is not allowed. */
export function checkConvertOptions(options: ConvertOptions): CheckedConvertOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const merged = { ...DEFAULT_CONVERT_OPTIONS, ...given } as CheckedConvertOptions
  // As the original: a described layer is RAFS 6, whatever was asked for.
  const checked: CheckedConvertOptions = merged.ociRef ? { ...merged, fsVersion: 6 } : merged
  oneOf('compressor', checked.compressor, ['none', 'lz4_block', 'zstd'])
  oneOf('digester', checked.digester, ['blake3', 'sha256'])
  oneOf('RAFS version', checked.fsVersion, [5, 6])
  checkSizes(checked)
  checkCombination(checked)
  if (checked.chunkDict !== undefined) parseChunkDictSource(checked.chunkDict)
  if (checked.prefetchPatterns.length === 0) throw usage('prefetch patterns: none given')
  for (const pattern of checked.prefetchPatterns) {
    if (!pattern.startsWith('/'))
      throw usage(`prefetch pattern ${JSON.stringify(pattern)}: not an absolute path`)
  }
  for (const name of ['layerConcurrency', 'pushRetryCount', 'pushRetryDelayMs', 'pushChunkBytes'] as const) {
    const least = name === 'layerConcurrency' ? 1 : 0
    if (!Number.isSafeInteger(checked[name]) || checked[name] < least) {
      throw usage(`${name} ${checked[name]}: expected a whole number, at least ${least}`)
    }
  }
  return checked
}

const MAX_CACHE_RECORDS = 200

function checkSizes({ chunkSize, batchSize, buildCacheMaxRecords: records }: CheckedConvertOptions): void {
  if (!isPowerOfTwo(chunkSize) || chunkSize < 0x1000 || chunkSize > 0x1000000)
    throw usage(`chunk size ${chunkSize}: expected a power of two from 0x1000 to 0x1000000`)
  if (batchSize !== 0 && (!isPowerOfTwo(batchSize) || batchSize < 0x1000 || batchSize > chunkSize))
    throw usage(
      `batch size ${batchSize}: expected 0 or a power of two from 0x1000 to the chunk size, ${chunkSize}`,
    )
  if (!Number.isSafeInteger(records) || records < 1 || records > MAX_CACHE_RECORDS)
    throw usage(`build cache records ${records}: expected 1 to ${MAX_CACHE_RECORDS}`)
}

function checkCombination(checked: CheckedConvertOptions): void {
  const { fsVersion, batchSize, encrypt, ociRef } = checked
  if (fsVersion === 5 && batchSize > 0) throw usage('RAFS 5 has no batches of chunks')
  if (fsVersion === 5 && encrypt) throw usage('RAFS 5 has no place for the key of an encrypted blob')
  if (checked.reverse && (ociRef || encrypt || checked.mergePlatform))
    throw usage('a conversion back to OCI has no form of Nydus blobs to choose')
  if (ociRef && (encrypt || batchSize > 0))
    throw usage('layers that are only referred to can be neither encrypted nor batched')
  if (checked.buildCache !== undefined && checked.blobDirectory !== undefined)
    throw usage('a build cache keeps blobs in a registry, so they cannot go to a directory')
  if (ociRef && checked.blobDirectory !== undefined)
    throw usage('layers that are referred to stay in the registry, so their blobs cannot go elsewhere')
}

function oneOf<T extends string | number>(what: string, value: T, allowed: readonly T[]): void {
  if (allowed.includes(value)) return
  throw usage(`${what} ${value}: expected ${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}`)
}

function usage(message: string): NydusError {
  return new NydusError('ERR_USAGE', message)
}
