// SPDX-License-Identifier: Apache-2.0
/** Files of results: written beside their place and renamed when complete. FIFOs and devices are written directly. */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type FifoWriter, openFifoWriter } from './fifo.ts'
import { fileFailure } from './file-failure.ts'

/** A file under way. Either `commit` or `discard` must be called. */
export interface OutputFile {
  /** Takes the next bytes; they belong to the caller again when the promise is fulfilled. */
  write(bytes: Uint8Array): Promise<void>
  readonly givesBack: true
  /** Bytes written. */
  readonly size: number
  /** Puts the file in its place. @param name of the file, for one that was opened in a directory. */
  commit(name?: string): Promise<void>
  /** Removes what was written; nothing happens after `commit`. */
  discard(): Promise<void>
}

/** For callers whose files nobody waits for. */
const NEVER = new AbortController().signal

/**
 * Opens a file for a result.
 * @param path of the file; an existing FIFO or device is written as it is, a symlink is followed.
 * @param signal ends the wait for the reader of a FIFO.
 * @throws {NydusError} ERR_BUILD_IO, ERR_NO_SPACE, as all methods of the file do.
 */
export async function openOutputFile(path: string, signal: AbortSignal = NEVER): Promise<OutputFile> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFIFO()) return direct(await openedFifo(path, signal), path)
  if (found?.isCharacterDevice() || found?.isBlockDevice()) return direct(await openedDevice(path), path)
  const target = found === undefined ? path : await realpath(path)
  return await openBeside(dirname(target), target)
}

/** Opens a file that gets its name inside `directory` when it is complete. @throws {NydusError} ERR_BUILD_IO, ERR_NO_SPACE */
export async function openOutputIn(directory: string): Promise<OutputFile> {
  return await openBeside(directory, undefined)
}

/** Writes a small file at once. @throws {NydusError} ERR_BUILD_IO, ERR_NO_SPACE */
export async function writeOutputFile(path: string, bytes: Uint8Array | string): Promise<void> {
  const file = await openOutputFile(path)
  try {
    await file.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
    await file.commit()
  } finally {
    await file.discard()
  }
}

async function openedFifo(path: string, signal: AbortSignal): Promise<FifoWriter> {
  return await openFifoWriter(path, signal).catch((error: unknown) => {
    throw fileFailure(error, 'open', path)
  })
}

async function openedDevice(path: string): Promise<FifoWriter> {
  const handle = await open(path, 'w').catch((error: unknown) => {
    throw fileFailure(error, 'open', path)
  })
  return { write: (bytes) => writeAll(handle, bytes), close: () => handle.close() }
}

/** What was written cannot be taken back: the reader sees an early end. */
function direct(writer: FifoWriter, path: string): OutputFile {
  let size = 0
  const end = () => writer.close()
  return {
    givesBack: true,
    get size() {
      return size
    },
    async write(bytes) {
      await writer.write(bytes).catch((error: unknown) => {
        throw fileFailure(error, 'write', path)
      })
      size += bytes.length
    },
    commit: end,
    discard: () => end().catch(() => undefined),
  }
}

async function openBeside(directory: string, path: string | undefined): Promise<OutputFile> {
  const temporary = join(directory, `.nydus-${randomBytes(6).toString('hex')}.tmp`)
  const target = path ?? directory
  const handle = await open(temporary, 'wx', 0o666).catch((error: unknown) => {
    throw fileFailure(error, 'create', target)
  })
  const removeAtExit = () => rmSync(temporary, { force: true })
  process.once('exit', removeAtExit)
  let size = 0
  let isOpen = true
  return {
    givesBack: true,
    get size() {
      return size
    },
    async write(bytes) {
      await writeAll(handle, bytes).catch((error: unknown) => {
        throw fileFailure(error, 'write', target)
      })
      size += bytes.length
    },
    async commit(name) {
      try {
        isOpen = false
        await handle.close()
        await rename(temporary, path ?? join(directory, name ?? ''))
      } catch (error) {
        await rm(temporary, { force: true })
        throw fileFailure(error, 'write', target)
      } finally {
        process.off('exit', removeAtExit)
      }
    },
    async discard() {
      if (!isOpen) return
      isOpen = false
      await handle.close().catch(() => undefined)
      await rm(temporary, { force: true })
      process.off('exit', removeAtExit)
    },
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done)
    done += bytesWritten
  }
}
