// SPDX-License-Identifier: Apache-2.0
/** Files of local stores: exact reads, writes that appear whole or not at all, errors in our words. */
import { randomBytes } from 'node:crypto'
import { constants, rmSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isNydusError } from '@nydus/base/error'
import { RegistryError } from '../errors.ts'

/** Opens a file for reading; undefined when it does not exist. Directories and devices are refused. */
export async function openFile(path: string): Promise<{ handle: FileHandle; size: number } | undefined> {
  let handle: FileHandle | undefined
  try {
    // Without O_NONBLOCK a named pipe in place of a blob would block for ever.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const status = await handle.stat()
    if (!status.isFile()) throw notRegular(path, status.isDirectory())
    return { handle, size: status.size }
  } catch (error) {
    await handle?.close()
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw readError(path, error)
  }
}

/** Reads exactly `length` bytes at `position`. @throws {RegistryError} ERR_BLOB_READ, also when the file became shorter. */
export async function readExactly(
  handle: FileHandle,
  path: string,
  position: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  try {
    for (let filled = 0; filled < length; ) {
      const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled)
      if (bytesRead === 0) throw shorter(path, position + filled)
      filled += bytesRead
    }
  } catch (error) {
    throw readError(path, error)
  }
  return bytes
}

/** Writes all of `bytes` at `position`. */
export async function writeExactly(
  handle: FileHandle,
  path: string,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
      done += bytesWritten
    }
  } catch (error) {
    throw writeError(path, error)
  }
}

/**
 * Writes a stream to a new file in `scratchDirectory` and renames it to `path`; on any failure nothing stays.
 * Both must be on one file system.
 */
export async function writeWhole(
  path: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  scratchDirectory = dirname(path),
): Promise<void> {
  const scratch = scratchPath(join(scratchDirectory, basename(path)))
  const handle = await openNew(scratch)
  const keep = removeAtExit(scratch)
  try {
    try {
      let position = 0
      for await (const bytes of content) {
        await writeExactly(handle, scratch, bytes, position)
        position += bytes.length
      }
    } finally {
      await handle.close()
    }
    await rename(scratch, path).catch((error) => {
      throw writeError(path, error)
    })
  } catch (error) {
    await rm(scratch, { force: true })
    throw error
  } finally {
    keep()
  }
}

const unfinished = new Set<string>()

/** Removes a file should the process exit before the returned function is called. */
export function removeAtExit(path: string): () => void {
  if (unfinished.size === 0) process.on('exit', removeUnfinished)
  unfinished.add(path)
  return () => {
    unfinished.delete(path)
    if (unfinished.size === 0) process.off('exit', removeUnfinished)
  }
}

function removeUnfinished(): void {
  for (const path of unfinished) rmSync(path, { force: true })
}

/** Creates a file that must not exist, readable and writable. */
export async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx+', 0o644)
  } catch (error) {
    throw writeError(path, error)
  }
}

/** A hidden name beside `path` that nothing else uses. */
export function scratchPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`)
}

/** An error while writing: ERR_NO_SPACE, or ERR_BUILD_IO for everything else. */
export function writeError(path: string, cause: unknown): unknown {
  if (isNydusError(cause)) return cause
  const full = hasCode(cause, 'ENOSPC', 'EDQUOT')
  const reason = full ? 'no space left' : cause instanceof Error ? cause.message : String(cause)
  return new RegistryError(full ? 'ERR_NO_SPACE' : 'ERR_BUILD_IO', `cannot write ${path}: ${reason}`, {
    details: { path },
    ...(full ? { hint: 'free some space, or choose another target' } : { cause }),
  })
}

function readError(path: string, cause: unknown): unknown {
  if (isNydusError(cause)) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new RegistryError('ERR_BLOB_READ', `cannot read ${path}: ${reason}`, { cause, details: { path } })
}

function notRegular(path: string, isDirectory: boolean): RegistryError {
  const found = isDirectory ? 'a directory' : 'not a regular file'
  return new RegistryError('ERR_BLOB_READ', `${path} is ${found}`, {
    details: { path },
    ...(isDirectory ? { hint: `an OCI layout in a directory is written oci:DIR` } : {}),
  })
}

function shorter(path: string, position: number): RegistryError {
  return new RegistryError(
    'ERR_BLOB_READ',
    `${path} ends at 0x${position.toString(16)}, it was longer when it was opened`,
    {
      details: { path, position },
    },
  )
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(error.code as string)
}
