// SPDX-License-Identifier: Apache-2.0
/** From the process to the daemon and back: arguments, signals, log, exit status. */
import { describeError, isNydusError, redact } from '@nydus/base/error'
import { type FuseArguments, parseArguments } from './arguments.ts'
import { type Log, openLog } from './log.ts'
import { runDaemon } from './run-daemon.ts'

/** As the original: nothing but the shell tells bad lines from failures. */
const FAILED = 1
/** The longest that the way out may take. */
const EXIT_MS = 10_000
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Runs `nydusd` and ends the process. */
export async function start(argv: readonly string[]): Promise<never> {
  // A log reader that went away must not take the mount with it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  let log: Log | undefined
  let toFile = false
  try {
    const args = parseArguments(argv, {
      out: (text) => process.stdout.write(text),
      err: (text) => process.stderr.write(text),
    })
    if ('exit' in args) process.exit(args.exit)
    log = openLog(args.logLevel, args.logFile, args.logRotationBytes)
    toFile = args.logFile !== undefined
    await runUntilStopped(args, log)
    log.close()
    process.exit(0)
  } catch (error) {
    const line = failureLine(error)
    if (toFile) log?.logger.error(line)
    process.stderr.write(`nydusd: ${line}\n`)
    process.exit(FAILED)
  }
}

async function runUntilStopped(args: FuseArguments, { logger }: Log): Promise<void> {
  const stopping = new AbortController()
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      logger.info(`${signal}: unmounting`)
      stopping.abort()
      // Whatever hangs then, such as a mountpoint on a dead network: the way out must not.
      setTimeout(() => process.exit(FAILED), EXIT_MS).unref()
    })
  }
  await runDaemon(args, { environment: process.env, logger, stop: stopping.signal })
}

/** What went wrong, its code, and what to do about it, in one line. */
function failureLine(error: unknown): string {
  const message = redact(describeError(error)).replaceAll('\n', ' ')
  if (!isNydusError(error)) return message
  return `${message} (${error.code})${error.hint === undefined ? '' : `; hint: ${error.hint}`}`
}
