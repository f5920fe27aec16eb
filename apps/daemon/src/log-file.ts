// SPDX-License-Identifier: Apache-2.0
/** A log file that is moved aside when it has grown enough: `FILE.1` is the newest of the old ones. */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { DaemonError } from './daemon-error.ts'

/** Old files that are kept. */
const KEPT_FILES = 10

/** An open log file. */
export interface LogFile {
  /** Appends a finished line. What cannot be written is lost: a full disk must not take the mount with it. */
  write(line: string): void
  close(): void
}

/**
 * Opens `path` for appending; its directories are created.
 * @param rotateBytes size from which on a new file is begun; 0 for never.
 * @throws {DaemonError} ERR_CONFIG_INVALID when it cannot be opened.
 */
export function openLogFile(path: string, rotateBytes: number): LogFile {
  let fd = openAppending(path)
  let size = fstatSync(fd).size

  const rotate = (): void => {
    for (let age = KEPT_FILES - 1; age >= 0; age--) {
      try {
        renameSync(age === 0 ? path : `${path}.${age}`, `${path}.${age + 1}`)
      } catch {
        // There are not that many yet.
      }
    }
    const next = openAppending(path)
    closeSync(fd)
    fd = next
    size = 0
  }

  return {
    write(line) {
      try {
        const length = Buffer.byteLength(line)
        if (rotateBytes > 0 && size > 0 && size + length > rotateBytes) rotate()
        writeSync(fd, line)
        size += length
      } catch {
        // Nowhere to tell.
      }
    },
    close: () => closeSync(fd),
  }
}

function openAppending(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true })
    return openSync(path, 'a', 0o644)
  } catch (cause) {
    throw new DaemonError('ERR_CONFIG_INVALID', `log file ${path} cannot be opened`, {
      cause,
      hint: 'choose another --log-file',
    })
  }
}
