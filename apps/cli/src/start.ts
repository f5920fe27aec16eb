// SPDX-License-Identifier: Apache-2.0
/** The process around a command: signals, streams, the exit status. */
import { setFlagsFromString } from 'node:v8'
import { guardOutput } from '@nydus/checker'
import type { CommandContext } from './commands/context.ts'
import { onInterruption } from './interruption.ts'
import { run } from './run.ts'

/** Runs the command line of this process and sets its exit status. */
export async function start(calledAs: CommandContext['calledAs']): Promise<void> {
  limitYoungGeneration()
  const output = guardOutput(calledAs, process.stdout, process.stderr)
  const interruption = onInterruption()
  const context: CommandContext = {
    calledAs,
    get stdin() {
      return process.stdin // opened only when it is read
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal: interruption.signal,
  }
  process.exitCode = await output.statusOf(await run(process.argv.slice(2), context))
  interruption.dispose()
}

/**
 * Bulk data lies outside of V8's heap, so a large young generation gains nothing here; left alone it grows to 100 MB of a
 * conversion's 500 (measured, same processor time). Worker threads started later follow.
 */
function limitYoungGeneration(): void {
  setFlagsFromString('--max-semi-space-size=4')
  setFlagsFromString('--semi-space-growth-factor=1')
}
