// SPDX-License-Identifier: Apache-2.0
/** The process around `nydus-check`: signals, streams, the exit status. */
import { setFlagsFromString } from 'node:v8'
import { NydusError } from '@nydus/base/error'
import { runCommandLine } from './command-line.ts'
import { guardOutput } from './guard-output.ts'

/** Runs the command line of this process and sets its exit status. */
export async function start(): Promise<void> {
  // Bulk data lies outside of V8's heap: a large young generation costs 100 MB and gains nothing (measured).
  setFlagsFromString('--max-semi-space-size=4')
  setFlagsFromString('--semi-space-growth-factor=1')
  const controller = new AbortController()
  const interrupt = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort(new NydusError('ERR_INTERRUPTED', `interrupted by ${name}`))
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, interrupt)
  const output = guardOutput('nydus-check', process.stdout, process.stderr)
  const argv = process.argv.slice(2)
  const status = await runCommandLine(argv, process.stdout, process.stderr, controller.signal)
  process.exitCode = await output.statusOf(status)
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, interrupt)
}
