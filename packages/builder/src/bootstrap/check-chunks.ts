// SPDX-License-Identifier: Apache-2.0
import { BuildError } from '../build-error.ts'
import { displayPath } from '../tree/byte-name.ts'
import type { ChunkStore } from '../tree/chunk-store.ts'
import type { Node } from '../tree/node.ts'

/** What the chunks of files are checked against. */
export interface ChunkLimits {
  readonly chunks: ChunkStore
  /** Bytes. */
  readonly chunkSize: number
  readonly blobs: { readonly length: number }
}

/**
 * Checks that a file has as many chunks as its size asks for, all of them in blobs of the table.
 * @param name of the file, for messages.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT
 */
export function checkFileChunks({ chunks, chunkSize, blobs }: ChunkLimits, node: Node, name: string): void {
  const expected = Math.ceil(node.size / chunkSize)
  if (node.chunkCount !== expected) {
    throw wrongChunks(name, `of ${node.size} bytes has ${node.chunkCount} chunks, ${expected} expected`, {
      size: node.size,
      chunkSize,
      expected,
      found: node.chunkCount,
    })
  }
  for (let i = 0; i < node.chunkCount; i++) {
    const blobIndex = chunks.blobIndex(node.chunkStart + i)
    if (blobIndex < blobs.length) continue
    throw wrongChunks(name, `has a chunk in blob ${blobIndex} of ${blobs.length}`, {
      blobIndex,
      blobs: blobs.length,
    })
  }
}

function wrongChunks(name: string, problem: string, details: Record<string, unknown>): BuildError {
  const text = displayPath([name]).slice(1)
  return new BuildError('ERR_BUILD_OPTION_CONFLICT', `file '${text}' ${problem}`, {
    details: { name: text, ...details },
  })
}
