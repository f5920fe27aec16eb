// SPDX-License-Identifier: Apache-2.0
import type { BlobDescription } from '../bootstrap/write-bootstrap.ts'
import type { ChunkStore } from '../tree/chunk-store.ts'
import type { Node } from '../tree/node.ts'

/** The blobs of all layers, each once. */
export class BlobList {
  readonly #blobs: BlobDescription[] = []
  readonly #indexes = new Map<string, number>()

  /** @returns the blob's index in the list; that of the first one with the same id. */
  add(blob: BlobDescription): number {
    const known = this.#indexes.get(blob.blobId)
    if (known !== undefined) return known
    this.#indexes.set(blob.blobId, this.#blobs.length)
    return this.#blobs.push(blob) - 1
  }

  /** The blobs in the order in which the files of `nodes` first use them; the chunks get those indexes. */
  inFirstUseOrder(nodes: readonly Node[], chunks: ChunkStore): BlobDescription[] {
    const order = new Map<number, number>()
    for (const { chunkStart, chunkCount } of nodes) {
      for (let i = 0; i < chunkCount; i++) {
        const { blobIndex } = chunks.get(chunkStart + i)
        if (!order.has(blobIndex)) order.set(blobIndex, order.size)
      }
    }
    chunks.mapBlobIndexes((blobIndex) => order.get(blobIndex) ?? 0)
    return [...order.keys()].map((blobIndex) => this.#blobs[blobIndex] as BlobDescription)
  }
}
