// SPDX-License-Identifier: Apache-2.0
/** Synchronous decoding of a gzip or zstd layer between buffers of the caller, for decode threads. */
import { constants, createGunzip, createZstdDecompress, gzipSync, zstdCompressSync } from 'node:zlib'
import { openZlibHandle, type ZlibStep } from './zlib-handle.ts'
import { FrameScanner } from './zstd-frames.ts'

/** A decoder that is fed piece by piece. */
export interface LayerInflater {
  /**
   * Decodes `input` from `inputAt` into `output` from `outputAt`, until one of them is used up.
   * @throws {DigestError} ERR_DECOMPRESS_FAILED, and zlib's errors.
   */
  inflate(input: Uint8Array, inputAt: number, output: Uint8Array, outputAt: number): ZlibStep
  /**
   * After the last input: gives what is left, to be called until nothing is written.
   * @throws {DigestError} ERR_DECOMPRESS_FAILED and zlib's errors for data that is cut.
   */
  finish(output: Uint8Array, outputAt: number): number
  close(): void
}

/** @throws {TypeError} where this Node has no usable handle: ask `canInflate` first. */
export function createLayerInflater(compression: 'gzip' | 'zstd'): LayerInflater {
  const inflater = compression === 'gzip' ? createGzip() : createZstd()
  if (inflater === undefined) throw new TypeError(`node:zlib has no usable handle for ${compression}`)
  return inflater
}

const NOTHING = new Uint8Array(0)

function createGzip(): LayerInflater | undefined {
  const handle = openZlibHandle(createGunzip())
  if (handle === undefined) return undefined
  return {
    inflate(input, inputAt, output, outputAt) {
      const step = handle.step(constants.Z_NO_FLUSH, input, inputAt, input.length, output, outputAt)
      if (step.read > 0 || step.written > 0 || inputAt === input.length) return step
      // Behind a member only zeros are left alone: padding.
      const padding = zerosAt(input, inputAt)
      if (padding === 0) throw new Error('gzip data makes no progress')
      return { read: padding, written: 0 }
    },
    finish: (output, outputAt) => handle.step(constants.Z_FINISH, NOTHING, 0, 0, output, outputAt).written,
    close: () => handle.close(),
  }
}

function zerosAt(bytes: Uint8Array, start: number): number {
  let end = start
  while (bytes[end] === 0) end++
  return end - start
}

function createZstd(): LayerInflater | undefined {
  const handle = openZlibHandle(createZstdDecompress())
  if (handle === undefined) return undefined
  const scanner = new FrameScanner()
  // Bytes of the current run, which lies inside one frame, that are not decoded yet.
  let runLeft = 0
  return {
    inflate(input, inputAt, output, outputAt) {
      if (runLeft === 0 && inputAt < input.length) runLeft = scanner.advance(input, inputAt)
      const step = handle.step(constants.ZSTD_e_continue, input, inputAt, inputAt + runLeft, output, outputAt)
      runLeft -= step.read
      return step
    },
    finish(output, outputAt) {
      const { written } = handle.step(constants.ZSTD_e_continue, NOTHING, 0, 0, output, outputAt)
      if (written === 0) scanner.finish()
      return written
    },
    close: () => handle.close(),
  }
}

const usable = new Map<string, boolean>()

/** Tells whether this Node's zlib can be used that way: tried once, with two small members in many cuts. */
export function canInflate(compression: 'gzip' | 'zstd'): boolean {
  const known = usable.get(compression)
  if (known !== undefined) return known
  let works = false
  try {
    works = passesProbe(compression)
  } catch {
    // Another Node, other insides.
  }
  usable.set(compression, works)
  return works
}

function passesProbe(compression: 'gzip' | 'zstd'): boolean {
  const plain = Buffer.from('two members, one after the other '.repeat(100))
  const member = compression === 'gzip' ? gzipSync(plain) : zstdCompressSync(plain)
  const stored = Buffer.concat([member, member])
  const inflater = createLayerInflater(compression)
  const output = new Uint8Array(2 * plain.length + 1)
  let outputAt = 0
  for (let start = 0; start < stored.length; start += 7) {
    const piece = stored.subarray(start, start + 7)
    for (let inputAt = 0, steps = 0; inputAt < piece.length; steps++) {
      const room = output.subarray(0, Math.min(output.length, outputAt + 1000))
      const step = inflater.inflate(piece, inputAt, room, outputAt)
      if (steps > 100) return false
      inputAt += step.read
      outputAt += step.written
    }
  }
  for (let written = 1; written > 0; outputAt += written) written = inflater.finish(output, outputAt)
  inflater.close()
  const result = Buffer.from(output.buffer, 0, outputAt)
  return result.equals(Buffer.concat([plain, plain]))
}
