// SPDX-License-Identifier: Apache-2.0
/** New blobs in memory. */
import type { CreateBlob } from '../src/compact/new-blob.ts'

/** Collects blobs by id; `discarded` counts those that were given up. */
export function memoryBlobs(): { create: CreateBlob; blobs: Map<string, Uint8Array>; discarded: number } {
  const store = {
    blobs: new Map<string, Uint8Array>(),
    discarded: 0,
    async create() {
      const parts: Uint8Array[] = []
      return {
        sink: { write: (bytes: Uint8Array) => void parts.push(new Uint8Array(bytes)), givesBack: true },
        commit: async (blobId: string) => void store.blobs.set(blobId, new Uint8Array(Buffer.concat(parts))),
        discard: async () => {
          store.discarded += 1
        },
      }
    },
  }
  return store
}
