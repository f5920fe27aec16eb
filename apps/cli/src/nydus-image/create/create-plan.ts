// SPDX-License-Identifier: Apache-2.0
/** What a `create` command line asks for, checked in the original's order and with its words. */
import { existsSync, type Stats, statSync } from 'node:fs'
import type { Compressor } from '@nydus/base/compress'
import type { Digester } from '@nydus/base/digest'
import type { PrefetchPolicy, WhiteoutSpec } from '@nydus/builder'
import type { ImageArguments } from '../command-spec.ts'
import { dictPathOf } from '../dict-path.ts'
import { fileFailure, refused } from '../file-failure.ts'
import type { ImageLog } from '../log.ts'
import { batchSizeOf, blobDataSizeOf, chunkSizeOf, integerOf } from './create-sizes.ts'

/** What is made of what. */
export type ConversionType =
  | 'dir-rafs'
  | 'tar-rafs'
  | 'targz-rafs'
  | 'estargz-rafs'
  | 'targz-ref'
  | 'estargz-ref'
  | 'estargztoc-ref'
  | 'tar-tarfs'

/** Where the blob goes. */
export type BlobPlace =
  | { readonly kind: 'file' | 'directory' | 'cache'; readonly path: string }
  | { readonly kind: 'none' }

/** A checked command line. */
export interface CreatePlan {
  readonly type: ConversionType
  readonly source: string
  /** Bytes of a source that is a regular file. */
  readonly sourceBytes: number | undefined
  readonly blobPlace: BlobPlace
  readonly fsVersion: 5 | 6
  readonly compressor: Compressor
  readonly digester: Digester
  /** Bytes. */
  readonly chunkSize: number
  /** Bytes, 0 for none. */
  readonly batchSize: number
  /** Bytes of the layer of a table of contents. */
  readonly blobDataSize: number
  readonly blobId: string | undefined
  readonly inlineMeta: boolean
  readonly toc: boolean
  readonly encrypt: boolean
  readonly alignedChunk: boolean
  readonly repeatable: boolean
  readonly whiteoutSpec: WhiteoutSpec
  readonly prefetchPolicy: PrefetchPolicy
  readonly parentPath: string | undefined
  readonly dictPath: string | undefined
  readonly attributesPath: string | undefined
}

const TYPE_ALIASES: Readonly<Record<string, ConversionType>> = {
  directory: 'dir-rafs',
  stargz_index: 'estargztoc-ref',
}
const MAX_BLOB_ID_LENGTH = 255

/**
 * Checks a command line; nothing is written yet.
 * @throws {NydusError} ERR_USAGE for options that exclude each other, ERR_BUILD_IO for a source that is not there.
 */
export function planCreate(values: ImageArguments, log: ImageLog): CreatePlan {
  const typeText = values.need('type')
  const type = TYPE_ALIASES[typeText] ?? (typeText as ConversionType)
  const blobId = blobIdOf(values)
  const fsVersion: 5 | 6 = values.text('fs-version') === '5' ? 5 : 6
  const chunkSize = chunkSizeOf(values, type)
  const batchSize = batchSizeOf(values, type, fsVersion, chunkSize)
  const blobPlace = blobPlaceOf(values, type)
  const plan = {
    ...{ type, blobId, fsVersion, chunkSize, batchSize, blobPlace },
    source: values.operands[0] ?? '',
    blobDataSize: blobDataSizeOf(values, type),
    dictPath: dictPathOf(values.text('chunk-dict')),
    ...copiedOptions(values),
    ...algorithmsOf(values, type, log),
  } as const
  const sourceBytes = checkSource(plan)
  checkType(plan)
  if (plan.toc && fsVersion === 5) throw refused("`--features blob-toc` can't be used with `--version 5`")
  return { ...plan, sourceBytes, ...(blobPlace.kind === 'cache' ? { compressor: 'none' } : {}) }
}

/** Options that need no check of their own. */
function copiedOptions(values: ImageArguments) {
  return {
    inlineMeta: values.isGiven('blob-inline-meta'),
    toc: values.text('features') === 'blob-toc',
    encrypt: values.isGiven('encrypt'),
    alignedChunk: values.isGiven('aligned-chunk'),
    repeatable: values.isGiven('repeatable'),
    whiteoutSpec: values.need('whiteout-spec') as WhiteoutSpec,
    prefetchPolicy: values.need('prefetch-policy') as PrefetchPolicy,
    parentPath: values.text('parent-bootstrap') || undefined,
    attributesPath: values.text('attributes'),
  }
}

function blobIdOf(values: ImageArguments): string | undefined {
  const blobId = values.text('blob-id')
  if (blobId !== undefined && blobId.length > MAX_BLOB_ID_LENGTH) {
    throw refused(`blob id is limited to length ${MAX_BLOB_ID_LENGTH}`)
  }
  if (integerOf('blob-offset', values.need('blob-offset')) !== 0) {
    throw refused('--blob-offset: only 0 is supported')
  }
  return blobId || undefined
}

function blobPlaceOf(values: ImageArguments, type: ConversionType): BlobPlace {
  const cache = values.text('blob-cache-dir')
  if (cache !== undefined) {
    if (/^estargz|^tar-tarfs$/.test(type)) {
      throw refused(`conversion type \`${type}\` conflicts with \`--blob-cache-dir\``)
    }
    if (!existsSync(cache)) throw refused('directory to store blob cache does not exist')
    return { kind: 'cache', path: cache }
  }
  if (type === 'estargztoc-ref') return { kind: 'none' }
  const file = values.text('blob')
  if (file !== undefined) {
    if (type === 'tar-tarfs') throw refused(`conversion type \`${type}\` conflicts with \`--blob\``)
    return { kind: 'file', path: file }
  }
  const directory = values.text('blob-dir')
  if (directory !== undefined) {
    if (!existsSync(directory)) throw refused('directory to store blobs does not exist')
    return { kind: 'directory', path: directory }
  }
  throw refused(
    'both --blob and --blob-dir are missing, please specify one to store the generated data blob file',
  )
}

function algorithmsOf(
  values: ImageArguments,
  type: ConversionType,
  log: ImageLog,
): Pick<CreatePlan, 'compressor' | 'digester'> {
  const isReference = type.endsWith('-ref')
  const compressor = values.need('compressor') as Compressor
  const digester = values.need('digester') as Digester
  if (!isReference && type !== 'tar-tarfs') return { compressor, digester }
  const only = isReference ? 'gzip' : 'none'
  if (values.isGiven('compressor') && compressor !== only) {
    log.info(
      `only compressor ${only} is supported for conversion type ${type}, use it instead of ${compressor}`,
    )
  }
  if (values.isGiven('digester') && digester !== 'sha256') {
    log.info(`only digester sha256 is supported for conversion type ${type}, use it instead of ${digester}`)
  }
  return { compressor: only, digester: 'sha256' }
}

/** @returns bytes of a regular file. */
function checkSource({ type, source }: Pick<CreatePlan, 'type' | 'source'>): number | undefined {
  const found = statOf(source)
  const name = JSON.stringify(source)
  if (type === 'dir-rafs') {
    if (!found.isDirectory()) throw refused(`specified path must be a directory: ${name}`)
  } else if (!found.isFile() && !found.isFIFO() && !found.isCharacterDevice()) {
    throw refused(`specified path must be a regular/fifo/char_device file: ${name}`)
  }
  return found.isFile() ? found.size : undefined
}

function statOf(source: string): Stats {
  try {
    return statSync(source)
  } catch (error) {
    throw fileFailure(error, 'access path', source)
  }
}

function checkType(plan: Omit<CreatePlan, 'sourceBytes'>): void {
  const { type } = plan
  const isTarfs = type === 'tar-tarfs'
  if (!type.endsWith('-ref') && !isTarfs) return
  if (plan.prefetchPolicy === 'blob') {
    throw refused(`conversion type ${type} conflicts with '--prefetch-policy blob'`)
  }
  if (plan.fsVersion !== 6) {
    throw refused(`'--fs-version 5' conflicts with conversion type '${type}', only V6 is supported`)
  }
  const conflicts: readonly (readonly [boolean, string])[] = [
    [plan.blobId !== undefined && /^(es)?targz-ref$/.test(type), '--blob-id'],
    [isTarfs && plan.dictPath !== undefined, '--chunk-dict'],
    [isTarfs && plan.parentPath !== undefined, '--parent-bootstrap'],
    [isTarfs && plan.inlineMeta, '--blob-inline-meta'],
    [isTarfs && plan.toc, '--features blob-toc'],
    [isTarfs && plan.alignedChunk, '--aligned-chunk'],
    [plan.encrypt, '--encrypt'],
  ]
  for (const [isGiven, flag] of conflicts) {
    if (isGiven) throw refused(`conversion type '${type}' conflicts with '${flag}'`)
  }
  if (type === 'estargztoc-ref' && plan.blobId === undefined) {
    throw refused(`'--blob-id' is missing for '--type ${type}'`)
  }
}
