// SPDX-License-Identifier: Apache-2.0
/**
 * The inner loop of CRC-32C as WebAssembly: slicing by 16, three times as fast as the same loop in JavaScript.
 *
 *   (func (export "update") (param $crc i32) (param $end i32) (result i32)
 *     ;; from DATA_OFFSET to $end, 16 bytes a round:
 *     ;; $crc = T15[x0 byte 0] ^ T14[x0 byte 1] ^ … ^ T0[x3 byte 3],   x0 = $crc ^ word 0, xi = word i
 *   )
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
  /** Goes on from `crc` (not inverted) over the first `length` bytes of `data`, a multiple of 16. */
  update(crc: number, length: number): number
}

const TABLES = 16
const TABLE_BYTES = 1024
const DATA_OFFSET = TABLES * TABLE_BYTES
const DATA_BYTES = 1 << 16
const MEMORY_PAGES = 2

const I32 = 0x7f
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
} as const
const EMPTY_BLOCK = 0x40

/** Locals of the function: two parameters, then its own. */
const CRC = 0
const END = 1
const AT = 2
const WORD = 3

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
    const update = exports.update as (crc: number, end: number) => number
    const words = new Uint32Array(buffer, 0, DATA_OFFSET / 4)
    for (const [k, table] of tables.slice(0, TABLES).entries()) words.set(table, k * 256)
    return {
      data: new Uint8Array(buffer, DATA_OFFSET, DATA_BYTES),
      update: (crc, length) => update(crc, DATA_OFFSET + length),
    }
  } catch {
    // A content security policy without 'wasm-unsafe-eval'.
    return undefined
  }
}

function assemble(): Uint8Array {
  const functionType = [0x60, ...vector([[I32], [I32]]), ...vector([[I32]])]
  const body = [...vector([[2, I32]]), ...loopCode(), OP.end]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector([functionType])),
    ...section(3, vector([[0]])),
    ...section(5, vector([[0x00, MEMORY_PAGES]])),
    ...section(7, vector([exported('memory', 0x02), exported('update', 0x00)])),
    ...section(10, vector([[...unsigned(body.length), ...body]])),
  ])
}

function loopCode(): number[] {
  return [
    ...constant(DATA_OFFSET),
    ...[OP.localSet, AT],
    ...[OP.block, EMPTY_BLOCK, OP.loop, EMPTY_BLOCK],
    ...[OP.localGet, AT, OP.localGet, END, OP.i32GeU, OP.brIf, 1],
    ...roundCode(),
    ...[OP.localGet, AT, ...constant(16), OP.i32Add, OP.localSet, AT],
    ...[OP.br, 0, OP.end, OP.end],
    ...[OP.localGet, CRC],
  ]
}

/**
 * One round: four words, each looked up byte by byte and folded into the new CRC. Word 0, the only one that waits for
 * the round before, comes last.
 */
function roundCode(): number[] {
  const code: number[] = []
  for (const word of [1, 2, 3, 0]) {
    code.push(OP.localGet, AT, ...load(4 * word))
    if (word === 0) code.push(OP.localGet, CRC, OP.i32Xor)
    code.push(OP.localSet, WORD)
    for (let byte = 0; byte < 4; byte++) {
      const table = TABLES - 1 - 4 * word - byte
      code.push(...tableIndex(byte), ...load(table * TABLE_BYTES))
      if (word !== 1 || byte > 0) code.push(OP.i32Xor)
    }
  }
  return [...code, OP.localSet, CRC]
}

/** Byte `byte` of WORD, times 4. */
function tableIndex(byte: number): number[] {
  const shift = byte === 0 ? [...constant(2), OP.i32Shl] : [...constant(8 * byte - 2), OP.i32ShrU]
  return [OP.localGet, WORD, ...shift, ...constant(0x3fc), OP.i32And]
}

function load(offset: number): number[] {
  const alignment = 0 // unaligned data is allowed, the hint costs nothing
  return [OP.i32Load, alignment, ...unsigned(offset)]
}

function constant(value: number): number[] {
  return [OP.i32Const, ...signed(value)]
}

function exported(name: string, kind: number): number[] {
  return [name.length, ...Array.from(name, (letter) => letter.charCodeAt(0)), kind, 0]
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
