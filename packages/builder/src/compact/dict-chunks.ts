// SPDX-License-Identifier: Apache-2.0
/** Takes chunks that a dictionary has out of the image's own blobs. */
import type { BlobInfo, Bootstrap } from '@nydus/rafs-format'
import { BuildError } from '../build-error.ts'
import { type ChunkDict, openChunkDict } from '../chunk/chunk-dict.ts'
import type { ChunkStore } from '../tree/chunk-store.ts'
import { mapChunks } from './rewrite-bootstrap.ts'

/** Chunks and blobs of an image, those of the dictionary included. */
export interface DictChunks {
  readonly chunks: ChunkStore
  /** The image's blobs and behind them those of the dictionary that it did not have; `blobIndex` is the position. */
  readonly blobs: readonly BlobInfo[]
  isFromDict(blob: BlobInfo): boolean
}

/**
 * Without a dictionary everything stays as it is.
 * @throws {BuildError} ERR_BUILD_DICT_MISMATCH when dictionary and image differ in chunk size or digests.
 */
export function replaceByDict(
  source: Bootstrap,
  chunks: ChunkStore,
  dictBootstrap: Uint8Array | Bootstrap | undefined,
): DictChunks {
  if (dictBootstrap === undefined) return { chunks, blobs: source.blobs, isFromDict: () => false }
  const dict = openChunkDict(dictBootstrap)
  checkDict(source, dict)
  const blobs = [...source.blobs]
  const fromDict = new Set(dict.blobs.map(({ blobId }) => blobId))
  const indexes = dict.blobs.map((blob) => {
    const known = blobs.findIndex(({ blobId }) => blobId === blob.blobId)
    return known === -1 ? blobs.push({ ...blob, blobIndex: blobs.length }) - 1 : known
  })
  const replaced = mapChunks(chunks, (chunk) => {
    if (fromDict.has(blobs[chunk.blobIndex]?.blobId ?? '')) return chunk
    const found = dict.find(chunk.digest, chunk.uncompressedSize)
    if (found === undefined) return chunk
    return { ...found, blobIndex: indexes[found.blobIndex] as number, fileOffset: chunk.fileOffset }
  })
  return { chunks: replaced, blobs, isFromDict: ({ blobId }) => fromDict.has(blobId) }
}

function checkDict(source: Bootstrap, dict: ChunkDict): void {
  const aspects = [
    ['chunk size', source.chunkSize, dict.chunkSize],
    ['digester', source.digester, dict.digester],
    ['RAFS version', source.fsVersion, dict.fsVersion ?? source.fsVersion],
  ] as const
  for (const [aspect, expected, found] of aspects) {
    if (expected === found) continue
    const message = `the ${aspect} of the chunk dictionary is ${found}, that of the image ${expected}`
    throw new BuildError('ERR_BUILD_DICT_MISMATCH', message, { details: { aspect, expected, found } })
  }
}
