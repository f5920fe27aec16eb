// SPDX-License-Identifier: Apache-2.0
/** Chunks as the blob stores them, each at its place in the blob: `<blob id>.blob.raw`. They are decoded when they are read. */
import type { FileHandle } from 'node:fs/promises'
import type { ChunkData } from './chunk-data.ts'
import { createContextCache } from './context-cache.ts'
import { type DecodeContext, decodeWhole, takeChunk } from './decode-chunk.ts'
import { readAt, writeAt } from './file-io.ts'
import { storedPlace } from './plan-fetch.ts'
import { type ChunkBounds, firstChunkAt } from './shared-view.ts'

/** Decoded bytes that are kept: a file is read in pieces that are smaller than its chunks. */
const KEPT_BYTES = 8 << 20

/** @param file owned from now on. */
export function storedData(
  file: FileHandle,
  path: string,
  bounds: ChunkBounds,
  decode: DecodeContext,
): ChunkData {
  const decoded = createContextCache(KEPT_BYTES)

  async function readChunk(index: number): Promise<Uint8Array> {
    const chunk = decode.layout.chunk(index)
    const { offset, length } = storedPlace(decode.layout, chunk)
    const key = String(offset)
    const whole = await decoded.get(key, async () =>
      decodeWhole(decode, chunk, await readAt(file, offset, length)),
    )
    try {
      return takeChunk(decode, index, chunk, whole)
    } catch (error) {
      decoded.drop(key)
      throw error
    }
  }

  return {
    path,
    fd: -1,
    async write(_first, _chunks, stored) {
      for (const { offset, bytes } of stored) await writeAt(file, bytes, offset)
    },
    async read({ offset, length }, isReady) {
      const result = new Uint8Array(length)
      const end = offset + length
      for (let index = firstChunkAt(bounds, offset); index < bounds.chunkStarts.length; index++) {
        const start = bounds.chunkStarts[index] as number
        if (start >= end) break
        if (bounds.chunkSizes[index] === 0 || !isReady(index)) continue
        const bytes = await readChunk(index)
        const from = Math.max(0, offset - start)
        result.set(bytes.subarray(from, Math.min(bytes.length, end - start)), start + from - offset)
      }
      return result
    },
    sync: () => file.datasync(),
    close: () => file.close(),
  }
}
