// SPDX-License-Identifier: Apache-2.0
/**
 * The inner loops of CRC-32C as WebAssembly.
 *
 *   (func (export "update") (param $crc i32) (param $at i32) (param $end i32) (result i32)
 *     ;; slicing by 16, three times as fast as in JavaScript: from $at to $end, 16 bytes a round:
 *     ;; $crc = T15[x0 byte 0] ^ T14[x0 byte 1] ^ … ^ T0[x3 byte 3],   x0 = $crc ^ word 0, xi = word i
 *   )
 *   (func (export "fold") (param $at i32) (param $end i32)
 *     ;; moves everything from $at to $end into the FOLD_BYTES behind it, which then have the CRC of all of it
 *   )
 *
 * The polynomial divides S = x^209 + x^144 + x^54 + x^39 + x^14 + 1, of all its multiples with six terms the shortest,
 * and, since squares have no mixed terms here, S(x^128) too: 16 bytes (a `v128`) may be taken out of the data if they
 * are added again 65, 155, 170, 195 and 209 times 16 bytes later. That takes a quarter of the time of the tables.
 *
 * The memory holds the sixteen tables of 256 words, then the data. The module is put together here from opcodes, so
 * there is no binary to trust. Format: https://webassembly.github.io/spec/core/binary/
 */

/** What this file needs of the WebAssembly global, which exists in Node and in browsers. */
interface WebAssemblyGlobal {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> }
}

/** The loop and its memory. */
export interface Crc32cLoop {
  /** Put up to its length of bytes here. */
  readonly data: Uint8Array
  /** Goes on from `crc` (not inverted) over the first `length` bytes of `data`, a multiple of 16, and spoils them. */
  update(crc: number, length: number): number
}

const TABLES = 16
const TABLE_BYTES = 1024
const DATA_OFFSET = TABLES * TABLE_BYTES
const DATA_BYTES = 1 << 16
const MEMORY_PAGES = 2
/** How far behind a vector it is added again, in vectors: 209 less each exponent of S but the first. */
const FOLD_DISTANCES = [65, 155, 170, 195, 209]
const VECTOR_BYTES = 16
const FOLD_BYTES = 209 * VECTOR_BYTES
/** From here on folding pays. */
const FOLD_MIN_BYTES = 2 * FOLD_BYTES

const I32 = 0x7f
const V128 = 0x7b
const OP = {
  block: 0x02,
  loop: 0x03,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  i32Load: 0x28,
  i32Const: 0x41,
  i32GeU: 0x4f,
  i32Add: 0x6a,
  i32And: 0x71,
  i32Xor: 0x73,
  i32Shl: 0x74,
  i32ShrU: 0x76,
  v128Load: [0xfd, 0x00],
  v128Store: [0xfd, 0x0b],
  v128Xor: [0xfd, 0x51],
} as const
const EMPTY_BLOCK = 0x40
/** Unaligned data is allowed, the hint costs nothing. */
const UNALIGNED = 0

/** Locals of a function: its parameters, then its own. */
const UPDATE = { crc: 0, at: 1, end: 2, word: 3 } as const
const FOLD = { at: 0, end: 1, vector: 2 } as const

/**
 * Compiles the loop. @returns undefined where WebAssembly is missing or forbidden.
 * @param tables sixteen tables of 256 words: table k gives the CRC of one byte followed by k zero bytes.
 */
export function createCrc32cLoop(tables: readonly Uint32Array[]): Crc32cLoop | undefined {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyGlobal }
  if (WebAssembly === undefined) return undefined
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble()))
    const { buffer } = exports.memory as { readonly buffer: ArrayBuffer }
    const update = exports.update as (crc: number, at: number, end: number) => number
    const fold = exports.fold as (at: number, end: number) => void
    const words = new Uint32Array(buffer, 0, DATA_OFFSET / 4)
    for (const [k, table] of tables.slice(0, TABLES).entries()) words.set(table, k * 256)
    const first = new DataView(buffer, DATA_OFFSET)
    return {
      data: new Uint8Array(buffer, DATA_OFFSET, DATA_BYTES),
      update(crc, length) {
        const end = DATA_OFFSET + length
        if (length < FOLD_MIN_BYTES) return update(crc, DATA_OFFSET, end)
        first.setUint32(0, first.getUint32(0, true) ^ crc, true)
        fold(DATA_OFFSET, end - FOLD_BYTES)
        return update(0, end - FOLD_BYTES, end)
      },
    }
  } catch {
    // A content security policy without 'wasm-unsafe-eval'.
    return undefined
  }
}

function assemble(): Uint8Array {
  const updateType = [0x60, ...vector([[I32], [I32], [I32]]), ...vector([[I32]])]
  const foldType = [0x60, ...vector([[I32], [I32]]), ...vector([])]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector([updateType, foldType])),
    ...section(3, vector([[0], [1]])),
    ...section(5, vector([[0x00, MEMORY_PAGES]])),
    ...section(
      7,
      vector([exported('memory', 0x02, 0), exported('update', 0x00, 0), exported('fold', 0x00, 1)]),
    ),
    ...section(
      10,
      vector([
        functionBody(I32, [...loopCode(UPDATE.at, UPDATE.end, roundCode()), OP.localGet, UPDATE.crc]),
        functionBody(V128, loopCode(FOLD.at, FOLD.end, foldCode())),
      ]),
    ),
  ])
}

/** A function with one local of its own. */
function functionBody(localType: number, code: readonly number[]): number[] {
  const body = [...vector([[1, localType]]), ...code, OP.end]
  return [...unsigned(body.length), ...body]
}

/** Runs `round` for every 16 bytes from local `at` to local `end`. */
function loopCode(at: number, end: number, round: readonly number[]): number[] {
  return [
    ...[OP.block, EMPTY_BLOCK, OP.loop, EMPTY_BLOCK],
    ...[OP.localGet, at, OP.localGet, end, OP.i32GeU, OP.brIf, 1],
    ...round,
    ...[OP.localGet, at, ...constant(VECTOR_BYTES), OP.i32Add, OP.localSet, at],
    ...[OP.br, 0, OP.end, OP.end],
  ]
}

/** One round: adds the vector to those behind it. */
function foldCode(): number[] {
  const { at, vector: taken } = FOLD
  const code: number[] = [OP.localGet, at, ...OP.v128Load, UNALIGNED, 0, OP.localSet, taken]
  for (const distance of FOLD_DISTANCES) {
    const place = [UNALIGNED, ...unsigned(distance * VECTOR_BYTES)]
    code.push(OP.localGet, at, OP.localGet, at, ...OP.v128Load, ...place)
    code.push(OP.localGet, taken, ...OP.v128Xor, ...OP.v128Store, ...place)
  }
  return code
}

/**
 * One round: four words, each looked up byte by byte and folded into the new CRC. Word 0, the only one that waits for
 * the round before, comes last.
 */
function roundCode(): number[] {
  const code: number[] = []
  for (const word of [1, 2, 3, 0]) {
    code.push(OP.localGet, UPDATE.at, ...load(4 * word))
    if (word === 0) code.push(OP.localGet, UPDATE.crc, OP.i32Xor)
    code.push(OP.localSet, UPDATE.word)
    for (let byte = 0; byte < 4; byte++) {
      const table = TABLES - 1 - 4 * word - byte
      code.push(...tableIndex(byte), ...load(table * TABLE_BYTES))
      if (word !== 1 || byte > 0) code.push(OP.i32Xor)
    }
  }
  return [...code, OP.localSet, UPDATE.crc]
}

/** Byte `byte` of the word, times 4. */
function tableIndex(byte: number): number[] {
  const shift = byte === 0 ? [...constant(2), OP.i32Shl] : [...constant(8 * byte - 2), OP.i32ShrU]
  return [OP.localGet, UPDATE.word, ...shift, ...constant(0x3fc), OP.i32And]
}

function load(offset: number): number[] {
  return [OP.i32Load, UNALIGNED, ...unsigned(offset)]
}

function constant(value: number): number[] {
  return [OP.i32Const, ...signed(value)]
}

function exported(name: string, kind: number, index: number): number[] {
  return [name.length, ...Array.from(name, (letter) => letter.charCodeAt(0)), kind, index]
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

/** LEB128 of a non-negative number. */
function unsigned(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest]
    bytes.push((rest & 0x7f) | 0x80)
  }
}

/** Signed LEB128 of a non-negative number: bit 6 of the last byte must be clear. */
function signed(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7) {
    if (rest < 0x40) return [...bytes, rest]
    bytes.push((rest & 0x7f) | 0x80)
  }
}
