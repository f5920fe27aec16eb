// SPDX-License-Identifier: Apache-2.0
/** Chunks for golden trees: cut here (compressor none) or taken from the recorded bootstrap. */
import { crc32c } from '@nydus/base/binary'
import { type Digester, digestBytes } from '@nydus/base/digest'
import {
  type Bootstrap,
  type ChunkInfo,
  FILE_TYPE,
  readChunkIndex,
  S_IFMT,
  walkTree,
} from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'
import type { TarEntry } from '../src/tar/entry.ts'
import { byteName } from '../src/tree/byte-name.ts'

/** Gives the chunks of one file. */
export type ChunkSource = (entry: TarEntry) => Promise<readonly ChunkInfo[]>

/** The chunks that the files of `bootstrap` have; none for a file that a later entry of its path replaced. */
export function recordedChunks(bootstrap: Bootstrap): ChunkSource {
  const nids = new Map<string, { nid: number; size: number }>()
  for (const { path, inode } of walkTree(bootstrap)) {
    if ((inode.mode & S_IFMT) === FILE_TYPE.REGULAR) nids.set(path.map(byteName).join('/'), inode)
  }
  return async (entry) => {
    const inode = nids.get(entry.path.map(byteName).join('/'))
    if (inode === undefined || inode.size !== entry.size) return []
    return readChunkIndex(bootstrap, inode.nid).map(({ blobIndex, chunkIndex, fileOffset }) => {
      const chunk = bootstrap.chunkTable().find(blobIndex, chunkIndex)
      if (chunk === undefined) throw new Error(`no chunk ${chunkIndex} in blob ${blobIndex}`)
      return { ...chunk, fileOffset }
    })
  }
}

/** Cuts files into uncompressed chunks of one blob, equal chunks stored once. */
export function cutChunks(chunkSize: number, digester: Digester): ChunkSource {
  const known = new Map<string, ChunkInfo>()
  let compressedOffset = 0
  let uncompressedOffset = 0
  return async (entry) => {
    const pieces: Uint8Array[] = []
    for await (const piece of entry.content) pieces.push(piece)
    const content = Buffer.concat(pieces)
    const chunks: ChunkInfo[] = []
    for (let fileOffset = 0; fileOffset < content.length; fileOffset += chunkSize) {
      const bytes = content.subarray(fileOffset, fileOffset + chunkSize)
      const digest = digestBytes(digester, bytes)
      const key = byteName(digest)
      let chunk = known.get(key)
      if (chunk === undefined) {
        chunk = {
          digest,
          blobIndex: 0,
          flags: CHUNK_FLAGS.HAS_CRC32C,
          compressedSize: bytes.length,
          uncompressedSize: bytes.length,
          compressedOffset,
          uncompressedOffset,
          fileOffset,
          chunkIndex: known.size,
          crc32c: crc32c(bytes),
        }
        known.set(key, chunk)
        compressedOffset += bytes.length
        uncompressedOffset += Math.ceil(bytes.length / 4096) * 4096
      }
      chunks.push({ ...chunk, fileOffset })
    }
    return chunks
  }
}
