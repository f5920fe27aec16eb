// SPDX-License-Identifier: Apache-2.0
/** Flags of every command: how much to say, and where. */
import { NydusError } from '@nydus/base/error'
import type { Flag, FlagValues } from './flag.ts'

/** Accepted before and after the command's name. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  { name: 'debug', short: 'D', help: 'same as --log-level debug', env: 'DEBUG_LOG_LEVEL' },
  {
    name: 'log-level',
    short: 'l',
    value: 'level',
    default: 'info',
    help: 'trace, debug, info, warn or error',
  },
  { name: 'log-file', value: 'file', help: 'append messages to a file as well' },
]

/** How much is said. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

const LEVELS: Readonly<Record<string, LogLevel>> = {
  panic: 'error',
  fatal: 'error',
  error: 'error',
  warn: 'warn',
  warning: 'warn',
  info: 'info',
  debug: 'debug',
  trace: 'debug',
}

/** The level that the flags ask for. @throws {NydusError} ERR_USAGE */
export function logLevelOf(flags: FlagValues): LogLevel {
  if (flags.isSet('debug')) return 'debug'
  const text = flags.text('log-level') ?? 'info'
  const level = LEVELS[text.toLowerCase()]
  if (level !== undefined) return level
  throw new NydusError(
    'ERR_USAGE',
    `--log-level ${JSON.stringify(text)}: expected trace, debug, info, warn or error`,
  )
}
