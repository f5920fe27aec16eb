// SPDX-License-Identifier: Apache-2.0
/** The process around a command: the name it was called with, signals, streams, the exit status. */
import { basename } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { guardOutput } from '@nydus/checker'
import type { CommandContext } from './commands/context.ts'
import { onInterruption } from './interruption.ts'
import { run } from './run.ts'

/** Runs the command line of this process and sets its exit status. */
export async function start(): Promise<void> {
  const calledAs = nameOf(process.argv[1])
  if (calledAs === 'nydus-image') {
    process.stderr.write('nydus-image: this command is not provided yet\n')
    process.exitCode = 1
    return
  }
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

/** Links to one file tell which command is meant by their name. */
function nameOf(path: string | undefined): 'nydus' | 'nydusify' | 'nydus-image' {
  const name = basename(path ?? '').replace(/\.(js|ts|mjs|cmd)$/, '')
  return name === 'nydusify' || name === 'nydus-image' ? name : 'nydus'
}
