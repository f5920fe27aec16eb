// SPDX-License-Identifier: Apache-2.0
/** The process around `nydus-image`: signals, streams, the exit status. */
import { setFlagsFromString } from 'node:v8'
import { onInterruption } from '../interruption.ts'
import { runNydusImage } from './run.ts'

/** Runs the command line of this process and sets its exit status. */
export async function startNydusImage(): Promise<void> {
  limitYoungGeneration()
  let outputFault: NodeJS.ErrnoException | undefined
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') outputFault ??= error // a reader that went away is no fault
  })
  process.stderr.on('error', () => undefined)
  const interruption = onInterruption()
  const status = await runNydusImage(process.argv.slice(2), {
    get stdin() {
      return process.stdin // opened only when it is read
    },
    stdout: process.stdout,
    stderr: process.stderr,
    signal: interruption.signal,
  })
  interruption.dispose()
  await new Promise((resolve) => setImmediate(resolve)) // errors of the last write come after it
  if (outputFault !== undefined) {
    process.stderr.write(`Error: cannot write the standard output: ${outputFault.message} (ERR_BUILD_IO)\n`)
  }
  process.exitCode = outputFault !== undefined && status === 0 ? 1 : status
}

/** Bulk data lies outside of V8's heap: see `start.ts` of the package. */
function limitYoungGeneration(): void {
  setFlagsFromString('--max-semi-space-size=4')
  setFlagsFromString('--semi-space-growth-factor=1')
}
