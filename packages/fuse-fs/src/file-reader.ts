// SPDX-License-Identifier: Apache-2.0
/** Reading file bytes in the main thread: open the blobs, have the ranges filled, then copy from the decoded files. */
import { readSync } from 'node:fs'
import { checkRange } from '@nydus/base/binary'
import { isNydusError, NydusError } from '@nydus/base/error'
import { type BlobExtent, type Bootstrap, fileExtents } from '@nydus/rafs-format'
import type { BlobRangeReader, SharedBlobView } from './blob-range-reader.ts'

/** What files are read with. */
export interface FileReaderOptions {
  readonly bootstrap: Bootstrap
  readonly blobs: BlobRangeReader
  /** Aborted when the mount is closed: what waits then fails at once. */
  readonly signal: AbortSignal
  /** A blob has been opened for the first time. */
  onOpen?(view: SharedBlobView): void
}

/** Bytes of a file that are at hand. Copies at once, so that nothing is allocated while others wait for the network. */
export interface FilePart {
  /** Bytes; less than asked for at the end of the file. */
  readonly length: number
  /** Writes them to the start of `target`. @throws {NydusError} ERR_CACHE_SHORT_READ, and what reading the file throws. */
  copyTo(target: Uint8Array): void
}

/** Gets `size` bytes of a regular file from `offset` on. Any number of calls may be under way. */
export type ReadFile = (nid: number, offset: number, size: number) => Promise<FilePart>

/** Gets the bytes of an extent of a blob. */
export type ReadExtent = (extent: BlobExtent) => Promise<FilePart>

/** The reader of one mount's blobs. */
export function createExtentReader(options: Omit<FileReaderOptions, 'bootstrap'>): ReadExtent {
  const { blobs, signal } = options
  const openView = createViewOpener(options)

  /** Without the decoded file. */
  async function readThrough(
    blobIndex: number,
    view: SharedBlobView,
    offset: number,
    length: number,
  ): Promise<FilePart> {
    const bytes = await unlessAborted(blobs.read?.(blobIndex, { offset, length }, signal), signal)
    if (bytes?.length !== length) throw shortRead(view, length, offset, bytes?.length ?? 0)
    return { length, copyTo: (target) => target.set(bytes) }
  }

  return async ({ blobIndex, uncompressedOffset: offset, length }) => {
    const view = await openView(blobIndex)
    if (view.fd < 0) return readThrough(blobIndex, view, offset, length)
    try {
      await unlessAborted(blobs.fill(blobIndex, { offset, length }, signal), signal)
    } catch (error) {
      if (blobs.read === undefined || !isFull(error)) throw error
      return readThrough(blobIndex, view, offset, length)
    }
    return { length, copyTo: (target) => readFully(view, target.subarray(0, length), offset) }
  }
}

/** The reader of one mount's files. */
export function createFileReader(options: FileReaderOptions): ReadFile {
  const { bootstrap } = options
  const getExtent = createExtentReader(options)
  return async (nid, offset, size) => {
    const parts = await Promise.all(fileExtents(bootstrap, nid, offset, size).map(getExtent))
    const part = joinParts(parts)
    // Replies are written by a C call that does not look: whatever the bootstrap says, no more than was asked for.
    checkRange(0, part.length, size, 'file extents')
    return part
  }
}

/** The disk has no room: the bytes can still be had, but not kept. */
function isFull(error: unknown): boolean {
  return isNydusError(error) && error.code === 'ERR_CACHE_NO_SPACE'
}

function joinParts(parts: readonly FilePart[]): FilePart {
  return {
    length: parts.reduce((sum, part) => sum + part.length, 0),
    copyTo(target) {
      let used = 0
      for (const part of parts) {
        part.copyTo(target.subarray(used))
        used += part.length
      }
    },
  }
}

/** Each blob is opened once; a failure is forgotten, so that the next READ tries again. */
function createViewOpener({
  blobs,
  signal,
  onOpen,
}: Omit<FileReaderOptions, 'bootstrap'>): (blobIndex: number) => Promise<SharedBlobView> {
  const opened = new Map<number, Promise<SharedBlobView>>()
  return (blobIndex) => {
    const known = opened.get(blobIndex)
    if (known !== undefined) return known
    const opening = unlessAborted(blobs.open(blobIndex, signal), signal).then((view) => {
      onOpen?.(view)
      return view
    })
    opened.set(blobIndex, opening)
    opening.catch(() => opened.delete(blobIndex))
    return opening
  }
}

/** A port that does not listen to its signal must not keep the mount from closing. */
function unlessAborted<T>(work: T | Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener('abort', onAbort))
}

/** The bytes have just been written, so this rarely waits for the disk. */
function readFully(view: SharedBlobView, target: Uint8Array, offset: number): void {
  for (let done = 0; done < target.length; ) {
    const length = readSync(view.fd, target, done, target.length - done, offset + done)
    if (length === 0) throw shortRead(view, target.length, offset, done)
    done += length
  }
}

function shortRead(view: SharedBlobView, expected: number, offset: number, found: number): NydusError {
  return new NydusError(
    'ERR_CACHE_SHORT_READ',
    `blob ${view.blobIndex}: ${expected} bytes expected at 0x${offset.toString(16)} of the decoded file, found ${found}`,
    { details: { blobIndex: view.blobIndex, offset, expected, found } },
  )
}
