// SPDX-License-Identifier: Apache-2.0
/**
 * Chunks at their uncompressed offset, encrypted with AES-128-XTS in pages of 4096 bytes. As the original has it, every page
 * has the same tweak, and the last page of a chunk is filled up with zeros.
 */
import type { FileHandle } from 'node:fs/promises'
import { alignUp } from '@nydus/base/binary'
import { decryptXts, encryptXts } from '@nydus/base/cipher'
import { FormatError } from '@nydus/base/error'
import type { ChunkData } from './chunk-data.ts'
import { readAt, writeAt } from './file-io.ts'
import { type ChunkBounds, firstChunkAt } from './shared-view.ts'

/** Gives the key of a chunk: 32 bytes with unequal halves. */
export type ChunkKey = (chunkIndex: number) => Uint8Array

const PAGE_BYTES = 4096
const IV = new Uint8Array(16)
/** The original's key for chunks whose own digest cannot be one. Not a secret: whoever uses it wants none. */
const CONVERGENT_DEFAULT_KEY = Buffer.from(
  'aced146994231eca448ced2f6b400c00fdbb3facddc7d9ee83f65cd93caa287c',
  'hex',
)

/**
 * The keys of a cache.
 * @param key for all chunks; undefined for convergent encryption, where a chunk's digest is its key.
 * @param digest of chunks, as far as the original's daemon knows them where it does the same.
 */
export function chunkKeys(
  key: Uint8Array | undefined,
  digest: (chunkIndex: number) => Uint8Array | undefined,
): ChunkKey {
  if (key !== undefined) return () => key
  return (index) => {
    const own = digest(index)
    return own === undefined || own.subarray(0, 16).every((byte, i) => byte === own[i + 16])
      ? CONVERGENT_DEFAULT_KEY
      : own
  }
}

/**
 * @param file owned from now on.
 * @throws {FormatError} ERR_FORMAT_UNSUPPORTED_FEATURE for a blob whose chunks share pages.
 */
export function encryptedData(
  file: FileHandle,
  path: string,
  bounds: ChunkBounds,
  keyOf: ChunkKey,
): ChunkData {
  checkAlignment(bounds, path)
  return {
    path,
    fd: -1,
    async write(first, chunks) {
      for (const [i, bytes] of chunks.entries()) {
        const pages = encryptPages(bytes, keyOf(first + i))
        await writeAt(file, pages, bounds.chunkStarts[first + i] as number)
      }
    },
    async read({ offset, length }) {
      const start = offset - (offset % PAGE_BYTES)
      const stored = await readAt(file, start, alignUp(offset + length, PAGE_BYTES) - start)
      for (let at = 0; at < stored.length; at += PAGE_BYTES) {
        const key = keyOf(Math.min(firstChunkAt(bounds, start + at), bounds.chunkStarts.length - 1))
        stored.set(decryptXts(stored.subarray(at, at + PAGE_BYTES), { key, iv: IV }), at)
      }
      return stored.subarray(offset - start, offset - start + length)
    },
    sync: () => file.datasync(),
    close: () => file.close(),
  }
}

function encryptPages(bytes: Uint8Array, key: Uint8Array): Uint8Array {
  const pages = new Uint8Array(alignUp(bytes.length, PAGE_BYTES))
  pages.set(bytes)
  for (let at = 0; at < pages.length; at += PAGE_BYTES) {
    pages.set(encryptXts(pages.subarray(at, at + PAGE_BYTES), { key, iv: IV }), at)
  }
  return pages
}

function checkAlignment({ chunkStarts, chunkSizes }: ChunkBounds, path: string): void {
  const index = chunkStarts.findIndex((start, i) => start % PAGE_BYTES !== 0 && chunkSizes[i] !== 0)
  if (index < 0) return
  throw new FormatError(
    'ERR_FORMAT_UNSUPPORTED_FEATURE',
    `${path}: chunk ${index} starts at 0x${chunkStarts[index]?.toString(16)}, an encrypted cache needs multiples of ${PAGE_BYTES}`,
    { details: { path, chunk: index }, hint: 'turn the encryption of the cache off for this image' },
  )
}
