// SPDX-License-Identifier: Apache-2.0
/** Messages of a subcommand, one line each, in the form of the original: `[time] LEVEL message`. */
import { mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { TextOutput } from './context.ts'
import { fileFailure } from './file-failure.ts'

const LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const

/** How much is said. */
export type ImageLogLevel = (typeof LEVELS)[number]

/** Where messages go. */
export interface ImageLog {
  warn(message: string): void
  info(message: string): void
  debug(message: string): void
}

/**
 * Opens a log.
 * @param file appended to instead of `stream`; missing directories are made.
 * @throws {NydusError} ERR_BUILD_IO when the file cannot be opened.
 */
export function openImageLog(level: ImageLogLevel, file: string | undefined, stream: TextOutput): ImageLog {
  const write = file === undefined ? (line: string) => stream.write(line) : fileWriter(file)
  const most = LEVELS.indexOf(level)
  const say = (messageLevel: ImageLogLevel, message: string) => {
    if (LEVELS.indexOf(messageLevel) > most) return
    write(`[${timeText(new Date())}] ${messageLevel.toUpperCase()} ${message}\n`)
  }
  return {
    warn: (message) => say('warn', message),
    info: (message) => say('info', message),
    debug: (message) => say('debug', message),
  }
}

function fileWriter(file: string): (line: string) => void {
  try {
    mkdirSync(dirname(file), { recursive: true })
    const fd = openSync(file, 'a', 0o644)
    return (line) => writeSync(fd, line)
  } catch (error) {
    throw fileFailure(error, 'open log file', file)
  }
}

/** `2024-01-31 12:00:00.000000 +00:00` */
function timeText(time: Date): string {
  return time.toISOString().replace('T', ' ').replace('Z', '000 +00:00')
}
