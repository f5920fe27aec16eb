// SPDX-License-Identifier: Apache-2.0
/** Layers, sinks and streams for tests of the blob side. */
import { blocks, header } from './tar-bytes.ts'

/** Bytes that repeat only by accident. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0, x = seed; i < length; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = x >>> 24
  }
  return bytes
}

/** Bytes that compress well and differ by `seed`. */
export function prose(length: number, seed = 1): Uint8Array {
  const line = Buffer.from(`line ${seed} of a file that says the same again and again\n`)
  const bytes = Buffer.alloc(length, line)
  for (let i = 0; i < length; i += 997) bytes[i] = (i * seed) & 0xff
  return new Uint8Array(bytes)
}

/** A tar of regular files. */
export function tarOf(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const parts = Object.entries(files).flatMap(([name, bytes]) => [
    header({ name, size: bytes.length }),
    blocks(bytes),
  ])
  return new Uint8Array(Buffer.concat([...parts, Buffer.alloc(1024)]))
}

/** `bytes` in pieces of `size`. */
export async function* pieces(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** All bytes of a stream; pieces are copied before the next is asked for. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const bytes of stream) parts.push(bytes.slice())
  return Buffer.concat(parts)
}

/** A sink that keeps everything. */
export function memorySink(): { write(bytes: Uint8Array): void; bytes(): Buffer; readonly writes: number } {
  const parts: Uint8Array[] = []
  return {
    write: (bytes) => void parts.push(bytes),
    bytes: () => Buffer.concat(parts),
    get writes() {
      return parts.length
    },
  }
}
