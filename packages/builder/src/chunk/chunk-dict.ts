// SPDX-License-Identifier: Apache-2.0
/** Chunks that exist already: in other images (a dictionary) or earlier in the same layer. */
import type { Digester } from '@nydus/base/digest'
import { type BlobInfo, type Bootstrap, type ChunkInfo, openBootstrap, SUPER_FLAGS } from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'
import { BuildError } from '../build-error.ts'

/** Finds chunks by content. */
export interface ChunkDict {
  /** Bytes; only layers of the same chunk size can use the dictionary. */
  readonly chunkSize: number
  readonly digester: Digester
  /** Of the bootstrap that it comes from; not compared where unknown. */
  readonly fsVersion?: 5 | 6
  /** Whether that bootstrap records owners; not compared where unknown. */
  readonly explicitOwners?: boolean
  readonly blobs: readonly BlobInfo[]
  /**
   * A chunk with this content: the record's `blobIndex` is a position in `blobs`.
   * @param digest 32 bytes, of the dictionary's digester.
   * @param size uncompressed bytes.
   */
  find(digest: Uint8Array, size: number): ChunkInfo | undefined
}

/**
 * A dictionary of all chunks that a bootstrap knows.
 * @param bootstrap of an image whose blobs the new image's repository has as well; kept as a view.
 * @throws {FormatError} when it is no bootstrap, {BuildError} ERR_BUILD_DICT_MISMATCH for a tarfs one, which has
 *   no digests.
 */
export function openChunkDict(bootstrap: Uint8Array | Bootstrap): ChunkDict {
  const source = bootstrap instanceof Uint8Array ? openBootstrap(bootstrap) : bootstrap
  if ((source.flags & SUPER_FLAGS.TARFS_MODE) !== 0n) {
    throw new BuildError('ERR_BUILD_DICT_MISMATCH', 'a tarfs bootstrap has no chunk digests')
  }
  const table = source.chunkTable()
  const positions = new Map<string, number>()
  for (let position = 0; position < table.length; position++) {
    const { digest, flags, compressedSize } = table.at(position)
    // Batched chunks have no place of their own that another bootstrap could name.
    if ((flags & (CHUNK_FLAGS.ENCRYPTED | CHUNK_FLAGS.BATCH)) !== 0 || compressedSize === 0) continue
    const key = digestKey(digest)
    if (!positions.has(key)) positions.set(key, position)
  }
  return {
    chunkSize: source.chunkSize,
    digester: source.digester,
    fsVersion: source.fsVersion,
    explicitOwners: (source.flags & SUPER_FLAGS.EXPLICIT_UID_GID) !== 0n,
    blobs: source.blobs,
    find(digest, size) {
      const position = positions.get(digestKey(digest))
      const chunk = position === undefined ? undefined : table.at(position)
      return chunk?.uncompressedSize === size ? chunk : undefined
    },
  }
}

/** A digest as a Map key: one character per byte. */
export function digestKey(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('latin1')
}
