// SPDX-License-Identifier: Apache-2.0
/**
 * The table of contents of a stargz layer, `stargz.index.json`.
 * Format: https://github.com/containerd/stargz-snapshotter/blob/main/docs/estargz.md
 */
import { FormatError } from '@nydus/base/error'

/** Types of TOC entries. */
export type StargzEntryType = 'dir' | 'reg' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo' | 'chunk'

/** One entry; members that are left out are 0 or empty. */
export interface StargzEntry {
  readonly name: string
  readonly type: StargzEntryType
  /** Bytes of the file. */
  readonly size: number
  /** Seconds since 1970. */
  readonly mtime: number
  readonly linkName: string
  /** Permission bits of Go's `os.FileMode`. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly devMajor: number
  readonly devMinor: number
  /** Values in base64. */
  readonly xattrs: Readonly<Record<string, string>>
  /** Of the gzip member with the chunk, in the layer. */
  readonly offset: number
  /** Of the chunk in the file. */
  readonly chunkOffset: number
  /** Bytes of the chunk; 0 for the rest of the file. */
  readonly chunkSize: number
  /** `sha256:…` of the chunk, or of the file where it is one chunk. */
  readonly chunkDigest: string
}

/** Most bytes of a table: one of a million files has less than 400. */
const MAX_TOC_BYTES = 512 << 20
const TYPES: readonly string[] = [
  'dir',
  'reg',
  'symlink',
  'hardlink',
  'char',
  'block',
  'fifo',
  'chunk',
] satisfies StargzEntryType[]
const MAX_U32 = 0xffff_ffff

/**
 * Reads a table.
 * @throws {FormatError} ERR_FORMAT_CORRUPT for what is no such table, ERR_FORMAT_UNSUPPORTED_VERSION,
 *   ERR_FORMAT_UNSUPPORTED_FEATURE for chunks that share a gzip member, ERR_FORMAT_OUT_OF_RANGE for a table above 512 MiB.
 */
export function parseStargzToc(bytes: Uint8Array): StargzEntry[] {
  if (bytes.length > MAX_TOC_BYTES) {
    throw new FormatError('ERR_FORMAT_OUT_OF_RANGE', `stargz TOC of ${bytes.length} bytes`, {
      details: { size: bytes.length, limit: MAX_TOC_BYTES },
    })
  }
  const table = parseJson(bytes)
  if (!isObject(table) || !Array.isArray(table.entries)) throw corrupt('no list of entries')
  if (table.version !== 1) {
    const found = JSON.stringify(table.version)
    throw new FormatError('ERR_FORMAT_UNSUPPORTED_VERSION', `stargz TOC of version ${found}, expected 1`)
  }
  if (table.entries.length === 0) throw corrupt('no entries')
  return table.entries.map(parseEntry)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new FormatError('ERR_FORMAT_CORRUPT', 'the stargz TOC is no JSON', { cause })
  }
}

function parseEntry(value: unknown, index: number): StargzEntry {
  if (!isObject(value)) throw corrupt(`entry ${index} is no object`)
  const text = (key: string) => textOf(value, key, index)
  const number = (key: string, max = Number.MAX_SAFE_INTEGER) => numberOf(value, key, index, max)
  const name = text('name')
  const type = text('type')
  if (name === '') throw corrupt(`entry ${index} has no name`)
  if (!TYPES.includes(type)) throw corrupt(`entry ${index} is of type ${JSON.stringify(type)}`)
  const linkName = text('linkName')
  if (linkName === '' && (type === 'symlink' || type === 'hardlink'))
    throw corrupt(`entry ${index}: ${type} without a target`)
  if (number('innerOffset') !== 0) {
    throw new FormatError(
      'ERR_FORMAT_UNSUPPORTED_FEATURE',
      `stargz TOC: entry ${index} is a chunk inside a gzip member`,
      {
        details: { index, name },
        hint: 'use the layer itself (estargz-ref) instead of its TOC',
      },
    )
  }
  return {
    name,
    type: type as StargzEntryType,
    size: number('size'),
    mtime: secondsOf(text('modtime'), index),
    linkName,
    mode: number('mode', MAX_U32),
    uid: number('uid', MAX_U32),
    gid: number('gid', MAX_U32),
    devMajor: number('devMajor', MAX_U32),
    devMinor: number('devMinor', MAX_U32),
    xattrs: xattrsOf(value.xattrs, index),
    offset: number('offset'),
    chunkOffset: number('chunkOffset'),
    chunkSize: number('chunkSize'),
    chunkDigest: text('chunkDigest') || text('digest'),
  }
}

function textOf(entry: Readonly<Record<string, unknown>>, key: string, index: number): string {
  const value = entry[key] ?? ''
  if (typeof value === 'string') return value
  throw corrupt(`entry ${index}: ${key} is no text`)
}

function numberOf(entry: Readonly<Record<string, unknown>>, key: string, index: number, max: number): number {
  const value = entry[key] ?? 0
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max) return value
  throw corrupt(`entry ${index}: ${key} is ${JSON.stringify(value)}, expected 0 … ${max}`)
}

/** Go writes the zero time for "unknown". */
function secondsOf(text: string, index: number): number {
  if (text === '' || text.startsWith('0001-01-01T')) return 0
  const milliseconds = Date.parse(text)
  if (Number.isNaN(milliseconds)) throw corrupt(`entry ${index}: modtime is ${JSON.stringify(text)}`)
  return Math.floor(milliseconds / 1000)
}

function xattrsOf(value: unknown, index: number): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {}
  if (isObject(value) && Object.values(value).every((item) => typeof item === 'string')) {
    return value as Readonly<Record<string, string>>
  }
  throw corrupt(`entry ${index}: xattrs are no texts`)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function corrupt(found: string): FormatError {
  return new FormatError('ERR_FORMAT_CORRUPT', `stargz TOC: ${found}`)
}
