// SPDX-License-Identifier: Apache-2.0
/** Where no map tells what a data file holds, its bytes do: chunks are looked at before they are fetched. */
import { equalBytes } from '@nydus/base/binary'
import { digestBytes } from '@nydus/base/digest'
import { isNydusError } from '@nydus/base/error'
import type { ChunkStore } from './chunk-store.ts'
import type { DecodeContext } from './decode-chunk.ts'

/** Finds chunks that are in the file already and marks them ready. Each chunk is looked at once. */
export type RecoverChunks = (chunks: readonly number[]) => Promise<void>

/** Chunks without a known digest are never recovered. */
export function createRecovery(store: ChunkStore, decode: DecodeContext): RecoverChunks {
  const looked = new Set<number>()
  const { chunkStarts, chunkSizes } = store.view

  async function isThere(index: number, digest: Uint8Array): Promise<boolean> {
    try {
      const offset = chunkStarts[index] as number
      const bytes = await store.read({ offset, length: chunkSizes[index] as number })
      return equalBytes(digestBytes(decode.digester, bytes), digest)
    } catch (error) {
      if (isNydusError(error)) return false
      throw error
    }
  }

  return async (chunks) => {
    for (const index of chunks) {
      const digest = decode.expectedDigest(index)
      if (digest === undefined || looked.has(index)) continue
      looked.add(index)
      if (await isThere(index, digest)) store.adopt(index)
    }
  }
}
