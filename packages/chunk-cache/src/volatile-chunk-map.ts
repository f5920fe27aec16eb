// SPDX-License-Identifier: Apache-2.0
/** Readiness that no file keeps: of blobs whose chunks have no numbers that another image would use as well. */
import { bitmapBytes, clearReady } from './chunk-map.ts'
import type { ChunkMapFile } from './chunk-map-file.ts'

/** Nothing is ready. `flush` only makes the data durable. */
export function volatileChunkMap(chunkCount: number): ChunkMapFile {
  const bits = new Uint8Array(new SharedArrayBuffer(bitmapBytes(chunkCount)))
  return {
    bits,
    flush: (syncData) => syncData(),
    forgetUnsaved: () => {
      for (let i = 0; i < bits.length; i++) Atomics.store(bits, i, 0)
    },
    async forget(isLost) {
      for (let chunk = 0; chunk < chunkCount; chunk++) if (isLost(chunk)) clearReady(bits, chunk)
    },
    close: async () => {},
  }
}
