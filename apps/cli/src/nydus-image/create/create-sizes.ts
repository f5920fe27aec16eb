// SPDX-License-Identifier: Apache-2.0
/** The sizes on a `create` command line. */
import { isPowerOfTwo } from '@nydus/base/binary'
import type { ImageArguments } from '../command-spec.ts'
import { refused } from '../file-failure.ts'
import type { ConversionType } from './create-plan.ts'

const MIN_CHUNK_SIZE = 0x1000
const MAX_CHUNK_SIZE = 0x100_0000
const DEFAULT_CHUNK_SIZE = 0x10_0000
/** The chunks of stargz are 4 MiB unless its table says otherwise. */
const STARGZ_CHUNK_SIZE = 0x40_0000
const BATCH_TYPES: readonly ConversionType[] = ['dir-rafs', 'tar-rafs', 'targz-rafs', 'estargz-rafs']

/** Bytes of a chunk. @throws {NydusError} ERR_USAGE */
export function chunkSizeOf(values: ImageArguments, type: ConversionType): number {
  const text = values.text('chunk-size')
  if (text === undefined) return type === 'estargztoc-ref' ? STARGZ_CHUNK_SIZE : DEFAULT_CHUNK_SIZE
  const size = integerOf('chunk-size', text)
  if (!isChunkSize(size)) throw refused(`invalid chunk size: ${size}`, 'a power of two from 4096 to 16777216')
  return size
}

/** Bytes of a batch, 0 for none. @throws {NydusError} ERR_USAGE */
export function batchSizeOf(
  values: ImageArguments,
  type: ConversionType,
  fsVersion: 5 | 6,
  chunkSize: number,
): number {
  const size = integerOf('batch-size', values.need('batch-size'))
  if (size === 0) return 0
  if (fsVersion === 5) throw refused('`--batch-size` with non-zero value conflicts with `--fs-version 5`')
  if (!BATCH_TYPES.includes(type)) throw refused(`unsupported ConversionType for batch chunk: ${type}`)
  if (!isChunkSize(size))
    throw refused(`invalid batch size: ${size}`, 'a power of two from 4096 to the chunk size')
  if (size > chunkSize) {
    throw refused(`batch size 0x${size.toString(16)} is bigger than chunk size 0x${chunkSize.toString(16)}`)
  }
  return size
}

/** Bytes of the layer that a table of contents belongs to; hexadecimal with or without 0x. @throws {NydusError} ERR_USAGE */
export function blobDataSizeOf(values: ImageArguments, type: ConversionType): number {
  if (type !== 'estargztoc-ref') return 0
  const text = values.text('blob-data-size')
  if (text === undefined) throw refused("no value specified for '--blob-data-size'")
  const digits = text.replace(/^0x/i, '')
  const size = /^[0-9a-f]+$/i.test(digits) ? Number.parseInt(digits, 16) : Number.NaN
  if (!Number.isSafeInteger(size)) throw refused(`invalid blob data size ${text}`)
  return size
}

/** A number in decimal or with 0x. @throws {NydusError} ERR_USAGE */
export function integerOf(name: string, text: string): number {
  const value = /^(0x[0-9a-f]+|[0-9]+)$/i.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw refused(`invalid ${name.replace('-', ' ')} ${text}`, 'a number in decimal, or in hexadecimal with 0x')
}

function isChunkSize(size: number): boolean {
  return isPowerOfTwo(size) && size >= MIN_CHUNK_SIZE && size <= MAX_CHUNK_SIZE
}
