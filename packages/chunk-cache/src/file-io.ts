// SPDX-License-Identifier: Apache-2.0
/** Reads and writes that do not stop half-way. */
import { randomUUID } from 'node:crypto'
import { type FileHandle, rename, unlink, writeFile } from 'node:fs/promises'
import { cacheFailure } from './cache-error.ts'

/** Reads `length` bytes at `position`; what lies past the end of the file is zero. */
export async function readAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes
}

/** Writes all of `bytes` at `position`. */
export async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

/** Tells whether a file operation failed with the system's error `code`, e.g. `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/**
 * Puts a small file in place in one step. A directory without room is no reason to fail: who writes such a file has its
 * content in memory, and can get it again.
 */
export async function putFile(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  try {
    await writeFile(draft, bytes, { flag: 'wx', mode: 0o600 })
    await rename(draft, path)
  } catch (error) {
    await unlink(draft).catch(() => {})
    const failure = cacheFailure('write', path, error)
    if (failure.code !== 'ERR_CACHE_NO_SPACE') throw failure
  }
}
