// SPDX-License-Identifier: Apache-2.0
/** Where a disk image goes. */
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { BuildError } from '../build-error.ts'

/** Takes the bytes of a disk image, mostly in ascending order. What is never written reads as zeros. */
export interface DiskSink {
  /** Writes all of `bytes`, which belong to the sink until the promise is fulfilled. */
  writeAt(bytes: Uint8Array, position: number): Promise<void>
  /** Called first, with the bytes of the whole image. */
  setSize(size: number): Promise<void>
}

/** A disk image on its way into a file, which `commit` or `discard` ends. */
export interface DiskFile extends DiskSink {
  /** Makes the image visible under its name. */
  commit(): Promise<void>
  /** Removes what was written; does nothing after `commit`. */
  discard(): Promise<void>
}

/**
 * Opens a disk image file: written beside `path` and renamed on commit, so that nothing half-written stays. A device is
 * written in place.
 * @throws {BuildError} ERR_BUILD_IO, ERR_NO_SPACE
 */
export async function openDiskFile(path: string): Promise<DiskFile> {
  const inPlace = await stat(path).then(
    (found) => !found.isFile(),
    () => false,
  )
  const written = inPlace ? path : `${path}.${process.pid}.partial`
  const file = await attempt(path, () => open(written, inPlace ? 'r+' : 'w+'))
  return {
    writeAt: (bytes, position) => attempt(path, () => writeFully(file, bytes, position)),
    setSize: (size) => attempt(path, async () => void (inPlace || (await file.truncate(size)))),
    commit: () =>
      attempt(path, async () => {
        await file.sync()
        await file.close()
        if (!inPlace) await rename(written, path)
      }),
    discard: async () => {
      await file.close().catch(() => {})
      if (!inPlace) await rm(written, { force: true })
    },
  }
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten
  }
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (cause) {
    const full =
      cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
    throw new BuildError(full ? 'ERR_NO_SPACE' : 'ERR_BUILD_IO', `disk image ${path} cannot be written`, {
      cause,
      details: { path },
    })
  }
}
