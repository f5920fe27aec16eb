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
const NOISE_BYTES = 1 << 20
const BLOCK = 512

/** Writes the tree as a tar. */
export async function writeSourceTar(tree: SourceTree, path: string): Promise<void> {
  const blocks = Readable.from(tarBlocks(tree), { objectMode: true, highWaterMark: 4 })
  await pipeline(blocks, createWriteStream(path))
}

function* tarBlocks({ files, fileBytes }: SourceTree): Iterable<Buffer> {
  // Half noise, half text: about what images are made of.
  const noise = createHash('shake256', { outputLength: NOISE_BYTES }).update('noise').digest()
  const pending: Buffer[] = []
  let pendingBytes = 0
  for (let index = 0; index < files; index += 1) {
    const directory = `d${Math.floor(index / FILES_PER_DIRECTORY)}`
    if (index % FILES_PER_DIRECTORY === 0) pending.push(header(`${directory}/`, 0, '5'))
    pending.push(header(`${directory}/f${index}`, fileBytes, '0'), ...content(index, fileBytes, noise))
    pendingBytes += fileBytes + 2 * BLOCK
    if (pendingBytes < NOISE_BYTES) continue
    yield Buffer.concat(pending.splice(0))
    pendingBytes = 0
  }
  yield Buffer.concat([...pending, Buffer.alloc(2 * BLOCK)])
}

function* content(index: number, size: number, noise: Buffer): Iterable<Buffer> {
  for (let done = 0; done < size; done += NOISE_BYTES) {
    const length = Math.min(NOISE_BYTES, size - done)
    const piece = Buffer.alloc(Math.ceil(length / BLOCK) * BLOCK)
    piece.fill(`line of file ${index} at ${done}\n`, 0, length)
    const start = (index * 4099 + done) % (NOISE_BYTES / 2)
    noise.copy(piece, 0, start, start + Math.floor(length / 2))
    piece.writeUInt32LE(index, 0)
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
