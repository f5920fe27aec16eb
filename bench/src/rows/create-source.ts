// SPDX-License-Identifier: Apache-2.0
/** Source trees of the create rows, as tar streams whose bytes are the same on every run. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** A tree to build from. */
export interface SourceTree {
  readonly name: string
  readonly files: number
  /** Bytes of each file. */
  readonly fileBytes: number
}

/** The trees that the bars name. */
export const SMALL_FILES: SourceTree = { name: '100,000 files of 4 KB', files: 100_000, fileBytes: 4000 }
export const LARGE_FILES: SourceTree = { name: '2 GB in files of 64 MiB', files: 32, fileBytes: 64 << 20 }
export const MILLION_FILES: SourceTree = {
  name: '1,000,000 files of 100 bytes',
  files: 1_000_000,
  fileBytes: 100,
}

const FILES_PER_DIRECTORY = 1000
const PIECE_BYTES = 1 << 20
const POOL_BYTES = 8 << 20
const WORDS = 4096
const BLOCK = 512

/** Writes the tree as a tar. */
export async function writeSourceTar(tree: SourceTree, path: string): Promise<void> {
  const blocks = Readable.from(tarBlocks(tree), { objectMode: true, highWaterMark: 4 })
  await pipeline(blocks, createWriteStream(path))
}

function* tarBlocks({ files, fileBytes }: SourceTree): Iterable<Buffer> {
  const pool = createPool()
  const pending: Buffer[] = []
  let pendingBytes = 0
  for (let index = 0; index < files; index += 1) {
    const directory = `d${Math.floor(index / FILES_PER_DIRECTORY)}`
    if (index % FILES_PER_DIRECTORY === 0) pending.push(header(`${directory}/`, 0, '5'))
    pending.push(header(`${directory}/f${index}`, fileBytes, '0'), ...content(index, fileBytes, pool))
    pendingBytes += fileBytes + 2 * BLOCK
    if (pendingBytes < PIECE_BYTES) continue
    yield Buffer.concat(pending.splice(0))
    pendingBytes = 0
  }
  yield Buffer.concat([...pending, Buffer.alloc(2 * BLOCK)])
}

/**
 * A quarter noise, the rest words: what does not compress, and what does with some work, about as the files of images.
 * Pieces repeated as they are would be compressed at the speed of memory, by either program.
 */
function createPool(): Buffer {
  const random = createHash('shake256', { outputLength: POOL_BYTES }).update('pool').digest()
  const words = Array.from({ length: WORDS }, (_, i) => {
    const at = i * 16
    return `${random.toString('base64', at, at + 2 + ((random[at + 15] ?? 0) % 8)).replaceAll('=', '')} `
  })
  const pool = Buffer.alloc(POOL_BYTES)
  for (let at = 0, draw = 0; at < POOL_BYTES; draw = (draw + 2) % (POOL_BYTES - 2)) {
    // Low numbers are frequent, as in any language.
    const rank = Math.floor(WORDS * (random.readUInt16LE(draw) / 0x1_0000) ** 3)
    at += pool.write(words[rank] ?? '', at, 'latin1') || POOL_BYTES
  }
  random.copy(pool, 0, 0, POOL_BYTES / 4)
  return pool
}

function* content(index: number, size: number, pool: Buffer): Iterable<Buffer> {
  for (let done = 0; done < size; done += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, size - done)
    const piece = Buffer.alloc(Math.ceil(length / BLOCK) * BLOCK)
    const start = (index * 40_961 + done * 3) % (POOL_BYTES - PIECE_BYTES)
    pool.copy(piece, 0, start, start + length)
    piece.writeUInt32LE(index, 0)
    piece.writeUInt32LE(done, 4)
    yield piece
  }
}

function header(path: string, size: number, type: '0' | '5'): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(path, 0)
  block.write(`${type === '5' ? '0000755' : '0000644'}\0${'0000000\0'.repeat(2)}`, 100, 'latin1')
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  block.write(`14524770400\0        ${type}`, 136, 'latin1')
  block.write('ustar\u000000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
