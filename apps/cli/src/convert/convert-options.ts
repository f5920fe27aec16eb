// SPDX-License-Identifier: Apache-2.0
/** Options of `convertImage`: documented members, one table of defaults, one check. */
import { isPowerOfTwo } from '@nydus/base/binary'
import { NydusError } from '@nydus/base/error'
import type { CredentialSource } from '@nydus/registry-client'
import { BUILDER_VERSION } from '../version.ts'
import type { ConvertListener } from './convert-events.ts'

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
  readonly compressor?: BlobCompressor
  /** Bytes, a power of two from 0x1000 to 0x1000000. */
  readonly chunkSize?: number
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
type OptionalMember = 'source' | 'target' | 'credentials' | 'sourceReference' | 'signal'

const DEFAULT_CONVERT_OPTIONS: Readonly<Required<Omit<ConvertOptions, OptionalMember>>> = {
  sourceInsecure: false,
  targetInsecure: false,
  plainHttp: false,
  compressor: 'zstd',
  chunkSize: 0x100000,
  platforms: [],
  mediaTypes: 'source',
  withReferrer: false,
  prefetchPatterns: ['/'], // the original's default: the whole image, in the order of its inodes
  nydusSource: 'refuse',
  workDir: './tmp',
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
  const checked = { ...DEFAULT_CONVERT_OPTIONS, ...given } as CheckedConvertOptions
  if (!['none', 'lz4_block', 'zstd'].includes(checked.compressor)) {
    throw usage(`compressor ${checked.compressor}: expected none, lz4_block or zstd`)
  }
  const { chunkSize } = checked
  if (!isPowerOfTwo(chunkSize) || chunkSize < 0x1000 || chunkSize > 0x1000000) {
    throw usage(`chunk size ${chunkSize}: expected a power of two from 0x1000 to 0x1000000`)
  }
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

function usage(message: string): NydusError {
  return new NydusError('ERR_USAGE', message)
}
