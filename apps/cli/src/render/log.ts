// SPDX-License-Identifier: Apache-2.0
/** Messages of a command: coloured on a terminal, plain elsewhere, with times in the log file. */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { TextStream } from '../commands/context.ts'
import type { LogLevel } from '../commands/global-flags.ts'
import { localFailure } from '../convert/work-directory.ts'

/** Where messages go. */
export interface Log {
  readonly level: LogLevel
  readonly stream: TextStream
  /** True when lines may be redrawn. */
  readonly isInteractive: boolean
  error(message: string): void
  warn(message: string): void
  info(message: string): void
  debug(message: string): void
  /** Writes a message, newline included, in place of the log: set by displays that own the bottom of the screen. */
  writeLine: ((line: string) => void) | undefined
  close(): void
}

/** How to open a log. */
export interface LogOptions {
  readonly stream: TextStream
  readonly level: LogLevel
  /** Appended to as well. */
  readonly file: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

const ORDER: readonly LogLevel[] = ['error', 'warn', 'info', 'debug']
const COLORS: Readonly<Record<LogLevel, number>> = { error: 31, warn: 33, info: 0, debug: 2 }

/** Opens a log. @throws {NydusError} ERR_BUILD_IO when the file cannot be opened. */
export function openLog({ stream, level, file, env }: LogOptions): Log {
  const isTty = stream.isTTY === true && env.TERM !== 'dumb'
  const hasColor = isTty && (env.NO_COLOR ?? '') === ''
  let fd = file === undefined ? undefined : openFile(file)
  const closeFile = () => {
    if (fd !== undefined) closeSync(fd)
    fd = undefined
  }
  /** A log that cannot go on is no reason to stop what is logged. */
  const writeToFile = (line: string) => {
    try {
      if (fd !== undefined) writeSync(fd, line)
    } catch (error) {
      closeFile()
      stream.write(`log file ${file} ends here: ${(error as Error).message}\n`)
    }
  }
  const say = (messageLevel: LogLevel, message: string) => {
    if (ORDER.indexOf(messageLevel) > ORDER.indexOf(level)) return
    writeToFile(`${new Date().toISOString()} ${messageLevel} ${message}\n`)
    const line = `${hasColor ? colored(messageLevel, message) : message}\n`
    if (log.writeLine === undefined) stream.write(line)
    else log.writeLine(line)
  }
  const log: Log = {
    level,
    stream,
    isInteractive: isTty && level !== 'error' && level !== 'warn',
    error: (message) => say('error', message),
    warn: (message) => say('warn', message),
    info: (message) => say('info', message),
    debug: (message) => say('debug', message),
    writeLine: undefined,
    close: closeFile,
  }
  return log
}

function openFile(path: string): number {
  try {
    return openSync(path, 'a', 0o600)
  } catch (error) {
    throw localFailure(error, `log file ${path}`)
  }
}

function colored(level: LogLevel, message: string): string {
  return COLORS[level] === 0 ? message : `\u001b[${COLORS[level]}m${message}\u001b[0m`
}
