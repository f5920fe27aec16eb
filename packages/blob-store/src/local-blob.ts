// SPDX-License-Identifier: Apache-2.0
/** Blobs in local directories, named by their id, or one blob in a file of any name. */
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteRange } from '@nydus/base/binary'
import { BlobStoreError } from './blob-store-error.ts'

/** Where blobs are looked for: `blobFile` alone if given, else `dir`, then `altDirs` in order. */
export interface LocalBlobPlaces {
  readonly dir?: string | undefined
  readonly altDirs?: readonly string[] | undefined
  /** Path of the only blob; it is taken whatever the id. */
  readonly blobFile?: string | undefined
}

/** One blob. The file is found and opened at first use. All methods may be called concurrently. */
export interface LocalBlob {
  /** 64 hex digits. */
  readonly blobId: string
  /**
   * Exactly `range.length` bytes.
   * @throws {BlobStoreError} ERR_BLOB_NOT_FOUND, ERR_BLOB_READ when the file ends before or cannot be read.
   */
  read(range: ByteRange, options?: { readonly signal?: AbortSignal }): Promise<Uint8Array>
  /** Size in bytes. @throws {BlobStoreError} ERR_BLOB_NOT_FOUND, ERR_BLOB_READ */
  size(signal?: AbortSignal): Promise<number>
  close(): Promise<void>
}

/** One file read of a large range is split into pieces of this many bytes, between which an abort is noticed. */
const PIECE_BYTES = 4 << 20

/** The blob `blobId` in `places`. Does not touch the disk yet. */
export function openLocalBlob(places: LocalBlobPlaces, blobId: string): LocalBlob {
  let opening: Promise<FileHandle> | undefined

  const file = (): Promise<FileHandle> => {
    // A blob that is not there yet may come later, so only success is remembered.
    opening ??= openFirst(candidates(places, blobId), blobId).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }

  return {
    blobId,
    async read({ offset, length }, options) {
      const signal = options?.signal
      signal?.throwIfAborted()
      const handle = await file()
      return readExactly(handle, blobId, offset, length, signal)
    },
    async size(signal) {
      signal?.throwIfAborted()
      const handle = await file()
      return (await handle.stat().catch((cause: unknown) => Promise.reject(failedRead(blobId, cause)))).size
    },
    async close() {
      const closing = opening
      opening = undefined
      await (await closing?.catch(() => undefined))?.close()
    },
  }
}

function candidates(places: LocalBlobPlaces, blobId: string): readonly string[] {
  if (places.blobFile !== undefined && places.blobFile !== '') return [places.blobFile]
  // The id comes from a bootstrap: it must not lead out of the directories.
  if (/[/\0]/.test(blobId) || blobId === '' || blobId === '.' || blobId === '..') {
    throw new BlobStoreError('ERR_BLOB_NOT_FOUND', `blob id ${JSON.stringify(blobId)} cannot be a file name`)
  }
  const directories = [places.dir ?? '', ...(places.altDirs ?? [])].filter((directory) => directory !== '')
  return directories.map((directory) => join(directory, blobId))
}

async function openFirst(paths: readonly string[], blobId: string): Promise<FileHandle> {
  for (const path of paths) {
    try {
      const handle = await open(path, 'r')
      if ((await handle.stat()).isFile()) return handle
      await handle.close()
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR'))
        continue
      throw failedRead(blobId, cause)
    }
  }
  throw new BlobStoreError(
    'ERR_BLOB_NOT_FOUND',
    `blob ${blobId} is at none of: ${paths.join(', ') || '(no directory given)'}`,
    {
      details: { blobId, paths },
      hint: 'check the directory of the localfs backend',
    },
  )
}

async function readExactly(
  handle: FileHandle,
  blobId: string,
  offset: number,
  length: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length; ) {
    signal?.throwIfAborted()
    const piece = Math.min(PIECE_BYTES, length - done)
    const { bytesRead } = await handle
      .read(bytes, done, piece, offset + done)
      .catch((cause: unknown) => Promise.reject(failedRead(blobId, cause)))
    if (bytesRead === 0) throw shortRead(blobId, offset, length, done)
    done += bytesRead
  }
  return bytes
}

function shortRead(blobId: string, offset: number, expected: number, found: number): BlobStoreError {
  return new BlobStoreError(
    'ERR_BLOB_READ',
    `blob ${blobId} ends early: ${found} of ${expected} bytes at 0x${offset.toString(16)}`,
    { details: { blobId, offset, expected, found } },
  )
}

function failedRead(blobId: string, cause: unknown): BlobStoreError {
  return new BlobStoreError('ERR_BLOB_READ', `cannot read blob ${blobId}`, { cause, details: { blobId } })
}
