// SPDX-License-Identifier: Apache-2.0
/** Log lines for people: to stderr, or to a file. */
import { redact } from '@nydus/base/error'
import { type Logger, pino } from 'pino'
import type { LogLevel } from './arguments.ts'
import { openLogFile } from './log-file.ts'

/** Where a finished line goes. */
type LineSink = (line: string) => void

/** A log and its end. */
export interface Log {
  readonly logger: Logger
  close(): void
}

/**
 * @param rotateBytes size from which on a new file is begun; 0 for never.
 * @throws {DaemonError} ERR_CONFIG_INVALID when the log file cannot be opened; its directories are created.
 */
export function openLog(level: LogLevel, file: string | undefined, rotateBytes = 0): Log {
  if (file === undefined)
    return { logger: createLogger(level, (line) => process.stderr.write(line)), close: () => {} }
  const { write, close } = openLogFile(file, rotateBytes)
  return { logger: createLogger(level, write), close }
}

/** A pino logger whose lines look like `[2026-01-02 03:04:05.678000 +00:00] INFO text`. */
export function createLogger(level: LogLevel, sink: LineSink): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":${Date.now()}`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (json: string) => sink(formatLine(json)) },
  )
}

/** One line, whatever was logged: control characters and credentials are gone. */
function formatLine(json: string): string {
  const { level, time, msg } = JSON.parse(json) as { level: string; time: number; msg?: string }
  return `[${formatTime(time)}] ${level.toUpperCase()} ${redact(msg ?? '').replaceAll('\n', ' ')}\n`
}

function formatTime(time: number): string {
  return `${new Date(time).toISOString().replace('T', ' ').replace('Z', '000')} +00:00`
}
