// SPDX-License-Identifier: Apache-2.0
/** Counts of requests by kind, of errors, of bytes and of time, in the classes that the original's metrics have. */
import { OPCODE } from './protocol/opcodes.ts'

/** Names of the kinds, in the original's order. */
export const FOP_NAMES = [
  ...['getattr', 'readlink', 'open', 'release', 'read', 'statfs', 'getxattr', 'listxattr'],
  ...['opendir', 'lookup', 'readdir', 'readdirplus', 'access', 'forget', 'batch_forget'],
] as const

const FOP_OPCODES: readonly number[] = [
  ...[OPCODE.GETATTR, OPCODE.READLINK, OPCODE.OPEN, OPCODE.RELEASE, OPCODE.READ, OPCODE.STATFS],
  ...[OPCODE.GETXATTR, OPCODE.LISTXATTR, OPCODE.OPENDIR, OPCODE.LOOKUP, OPCODE.READDIR, OPCODE.READDIRPLUS],
  ...[OPCODE.ACCESS, OPCODE.FORGET, OPCODE.BATCH_FORGET],
]
const FOP_BY_OPCODE: readonly (number | undefined)[] = invert(FOP_OPCODES)
const READ = FOP_NAMES.indexOf('read')
const FOPS = FOP_NAMES.length
const CLASSES = 8
/** Upper bounds in bytes; the last class has none. */
const SIZE_BOUNDS = [1 << 10, 4 << 10, 16 << 10, 64 << 10, 128 << 10, 512 << 10, 1 << 20] as const
/** Upper bounds in microseconds; the last class has none. */
const LATENCY_BOUNDS = [200, 1000, 20_000, 50_000, 500_000, 1_000_000, 2_000_000] as const
const AT = {
  HITS: 0,
  ERRORS: FOPS,
  MICROS: 2 * FOPS,
  SIZES: 3 * FOPS,
  LATENCIES: 3 * FOPS + CLASSES,
} as const

/** Numbers that counting needs. */
export const FOP_COUNTER_COUNT = 3 * FOPS + 2 * CLASSES

/** Counts since the mount. The first three arrays go by FOP_NAMES, the others by class. */
export interface FopStats {
  readonly hits: readonly number[]
  /** Requests answered with an error that is not a plain result. */
  readonly errors: readonly number[]
  readonly microseconds: readonly number[]
  /** READs by bytes: below 1, 4, 16, 64, 128, 512 KiB, 1 MiB, and larger. */
  readonly readSizes: readonly number[]
  /** READs by time: up to 0.2, 1, 20, 50, 500 ms, 1, 2 s, and longer. */
  readonly readLatencies: readonly number[]
}

/** Counts an answered request. @param result bytes, −errno. @param milliseconds from its arrival to its answer. */
export function countFop(
  counters: Float64Array,
  opcode: number,
  result: number,
  isError: boolean,
  milliseconds: number,
): void {
  const fop = FOP_BY_OPCODE[opcode]
  if (fop === undefined) return
  const micros = milliseconds * 1000
  add(counters, AT.MICROS + fop, micros)
  add(counters, (isError ? AT.ERRORS : AT.HITS) + fop, 1)
  if (fop !== READ || isError) return
  add(counters, AT.SIZES + classOf(result, SIZE_BOUNDS), 1)
  add(counters, AT.LATENCIES + classOf(micros, LATENCY_BOUNDS), 1)
}

/** Index of a request's kind in FOP_NAMES. */
export function fopOf(opcode: number): number | undefined {
  return FOP_BY_OPCODE[opcode]
}

/** Class of a READ's size, as in `FopStats.readSizes`. @param bytes read. */
export function readSizeClass(bytes: number): number {
  return classOf(bytes, SIZE_BOUNDS)
}

/** One answered request for a file or directory. */
export interface FileAccess {
  readonly nid: number
  /** Index in FOP_NAMES. */
  readonly fop: number
  /** Bytes given, or negative. */
  readonly result: number
  readonly isError: boolean
}

/** The sum of what several threads have counted. */
export function sumFops(all: readonly Float64Array[]): FopStats {
  const sums = (from: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) =>
      Math.round(all.reduce((total, counters) => total + (counters[from + i] ?? 0), 0)),
    )
  return {
    hits: sums(AT.HITS, FOPS),
    errors: sums(AT.ERRORS, FOPS),
    microseconds: sums(AT.MICROS, FOPS),
    readSizes: sums(AT.SIZES, CLASSES),
    readLatencies: sums(AT.LATENCIES, CLASSES),
  }
}

function add(counters: Float64Array, index: number, value: number): void {
  counters[index] = (counters[index] ?? 0) + value
}

function classOf(value: number, bounds: readonly number[]): number {
  let index = 0
  while (index < bounds.length && value >= (bounds[index] ?? 0)) index += 1
  return index
}

function invert(opcodes: readonly number[]): (number | undefined)[] {
  const table: (number | undefined)[] = []
  for (const [fop, opcode] of opcodes.entries()) table[opcode] = fop
  return table
}
