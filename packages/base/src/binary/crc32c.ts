// SPDX-License-Identifier: Apache-2.0
/** CRC-32C (Castagnoli, iSCSI): reflected polynomial 0x82F63B78, initial and final XOR 0xFFFFFFFF. */
import { createCrc32cLoop } from './crc32c-wasm.ts'

const POLYNOMIAL = 0x82f6_3b78
/** Below this many bytes, copying into WebAssembly's memory does not pay. */
const LOOP_MIN_BYTES = 64

// Table k gives the CRC of one byte followed by k zero bytes.
const TABLES = buildTables(16)
const [BYTE_TABLE] = TABLES as [Uint32Array]
const loop = createCrc32cLoop(TABLES)

function buildTables(count: number): readonly Uint32Array[] {
  const tables = [new Uint32Array(256).map((_, byte) => crcOfByte(byte))]
  for (let k = 1; k < count; k++) {
    const [first, previous] = [tables[0], tables[k - 1]] as [Uint32Array, Uint32Array]
    tables.push(previous.map((crc) => (crc >>> 8) ^ (first[crc & 0xff] as number)))
  }
  return tables
}

function crcOfByte(byte: number): number {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  return crc
}

/** CRC-32C of `bytes`, 0 … 2^32 − 1. */
export function crc32c(bytes: Uint8Array): number {
  if (loop === undefined || bytes.length < LOOP_MIN_BYTES) return crc32cPortable(bytes)
  const { data } = loop
  const aligned = bytes.length - (bytes.length % 16)
  let crc = 0xffff_ffff
  for (let at = 0; at < aligned; at += data.length) {
    const length = Math.min(data.length, aligned - at)
    data.set(bytes.subarray(at, at + length))
    crc = loop.update(crc, length)
  }
  return (tail(crc, bytes, aligned) ^ 0xffff_ffff) >>> 0
}

/** The same in plain JavaScript, for short input and where WebAssembly is forbidden. */
export function crc32cPortable(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as unknown as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ]
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const aligned = bytes.length - (bytes.length % 8)
  let crc = 0xffff_ffff
  for (let i = 0; i < aligned; i += 8) {
    const low = crc ^ view.getUint32(i, true)
    const high = view.getUint32(i + 4, true)
    crc =
      (t7[low & 0xff] as number) ^
      (t6[(low >>> 8) & 0xff] as number) ^
      (t5[(low >>> 16) & 0xff] as number) ^
      (t4[low >>> 24] as number) ^
      (t3[high & 0xff] as number) ^
      (t2[(high >>> 8) & 0xff] as number) ^
      (t1[(high >>> 16) & 0xff] as number) ^
      (t0[high >>> 24] as number)
  }
  return (tail(crc, bytes, aligned) ^ 0xffff_ffff) >>> 0
}

/** The CRC (not inverted) after the bytes from `start` on. */
function tail(crc: number, bytes: Uint8Array, start: number): number {
  let result = crc
  for (let i = start; i < bytes.length; i++) {
    result = (BYTE_TABLE[(result ^ (bytes[i] as number)) & 0xff] as number) ^ (result >>> 8)
  }
  return result
}
