// SPDX-License-Identifier: Apache-2.0
/**
 * The layout of `<blob id>.blob.data.chunk_map` and the readiness bits in memory.
 *
 *     0      4096-byte header
 *     4096   ceil(chunkCount / 8) bytes; chunk i is bit 7 − (i mod 8) of byte i div 8
 */
import { defineStruct, reserved, u32 } from '@nydus/base/binary'

export const CHUNK_MAP_MAGIC = 0x424d_4150
export const CHUNK_MAP_MAGIC2 = 0x434d_4150
/** Value of `allReady` once every chunk is on disk. */
export const CHUNK_MAP_ALL_READY = 0x4d4d_4150
export const CHUNK_MAP_VERSION = 1

export const ChunkMapHeader = defineStruct('ChunkMapHeader', 4096, {
  magic: u32, // CHUNK_MAP_MAGIC
  version: u32, // CHUNK_MAP_VERSION
  magic2: u32, // CHUNK_MAP_MAGIC2
  allReady: u32, // 0, or CHUNK_MAP_ALL_READY
  reserved0: reserved(4080),
})

/** Bytes of the bitmap alone. */
export function bitmapBytes(chunkCount: number): number {
  return Math.ceil(chunkCount / 8)
}

/** Exact size of the file in bytes. */
export function chunkMapFileBytes(chunkCount: number): number {
  return ChunkMapHeader.size + bitmapBytes(chunkCount)
}

/** Mask of chunk `index` inside its byte. */
function maskOf(index: number): number {
  return 0x80 >> (index & 7)
}

/** Tells whether chunk `index` is ready. Safe on shared memory while other threads set bits. */
export function isReady(bits: Uint8Array, index: number): boolean {
  return (Atomics.load(bits, index >> 3) & maskOf(index)) !== 0
}

/** Marks chunk `index` ready. Atomic on shared memory. */
export function setReady(bits: Uint8Array, index: number): void {
  Atomics.or(bits, index >> 3, maskOf(index))
}

/** Marks chunk `index` not ready. */
export function clearReady(bits: Uint8Array, index: number): void {
  Atomics.and(bits, index >> 3, ~maskOf(index) & 0xff)
}

/** Tells whether all chunks `first` … `last` (inclusive) are ready. */
export function areReady(bits: Uint8Array, first: number, last: number): boolean {
  for (let index = first; index <= last; index++) if (!isReady(bits, index)) return false
  return true
}

/** Number of ready chunks among the first `chunkCount`. */
export function countReady(bits: Uint8Array, chunkCount: number): number {
  let count = 0
  for (let index = 0; index < chunkCount; index++) if (isReady(bits, index)) count++
  return count
}
