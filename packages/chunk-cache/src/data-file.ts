// SPDX-License-Identifier: Apache-2.0
/** `<blob id>.blob.data`: the uncompressed blob, sparse, each chunk at its uncompressed offset. */
import { constants, type FileHandle, open } from 'node:fs/promises'
import { CacheError, cacheFailure } from './cache-error.ts'

/** The open file and what it was before. */
export interface DataFile {
  readonly file: FileHandle
  /** Size in bytes when it was opened; what lay beyond is not data, whatever the chunk map says. */
  readonly previousSize: number
}

/**
 * Opens or creates the file and extends it to `size` bytes.
 * @throws {CacheError} ERR_CACHE_STATE_CORRUPT for a file that is longer, ERR_CACHE_IO, ERR_CACHE_NO_SPACE.
 */
export async function openDataFile(path: string, size: number): Promise<DataFile> {
  let file: FileHandle | undefined
  try {
    file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    const previousSize = (await file.stat()).size
    if (previousSize > size) {
      throw new CacheError(
        'ERR_CACHE_STATE_CORRUPT',
        `${path} has ${previousSize} bytes, the blob has ${size}`,
        {
          details: { path, expected: size, found: previousSize },
          hint: 'remove this blob’s files from the cache directory while nothing uses them',
        },
      )
    }
    if (previousSize < size) await file.truncate(size)
    return { file, previousSize }
  } catch (error) {
    await file?.close()
    throw error instanceof CacheError ? error : cacheFailure('open', path, error)
  }
}
