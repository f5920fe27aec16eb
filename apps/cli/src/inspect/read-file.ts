// SPDX-License-Identifier: Apache-2.0
/** `inspect cat`: the content of one file, chunk by chunk, a few requests ahead of the one who reads. */
import { NydusError } from '@nydus/base/error'
import type { ChunkReader } from '@nydus/chunk-cache'
import { type Bootstrap, type ChunkInfo, FILE_TYPE, pathText, readFileChunks } from '@nydus/rafs-format'
import { type FoundPath, typeOf } from './find-path.ts'

/** What a file is read from. */
export interface FileSource {
  readonly bootstrap: Bootstrap
  readonly chunks: ChunkReader
}

/** Requests at a time. */
const READ_AHEAD = 4

/**
 * The bytes of a regular file in order, verified. Chunks that are not needed are not read.
 * @throws {NydusError} ERR_USAGE for anything but a regular file, and what the store throws; {DigestError} for damaged data.
 */
export async function* readFile(
  source: FileSource,
  { path, inode }: FoundPath,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (typeOf(inode) !== FILE_TYPE.REGULAR) {
    throw new NydusError('ERR_USAGE', `${pathText(path)} is not a regular file`)
  }
  const chunks = readFileChunks(source.bootstrap, inode.nid)
  const reading: Promise<Uint8Array>[] = []
  let next = 0
  let left = inode.size
  const readOn = () => {
    while (reading.length < READ_AHEAD && next < chunks.length) {
      const chunk = chunks[next] as ChunkInfo
      const read = source.chunks.readChunk(chunk.blobIndex, chunk, signal)
      read.catch(() => undefined) // waited for later
      reading.push(read)
      next += 1
    }
  }
  readOn()
  for (let read = reading.shift(); read !== undefined; read = reading.shift()) {
    const bytes = await read
    readOn()
    yield bytes.length > left ? bytes.subarray(0, left) : bytes
    left -= bytes.length
  }
  if (left > 0)
    throw new NydusError('ERR_FORMAT_CORRUPT', `${pathText(path)}: chunks end ${left} bytes early`)
}
