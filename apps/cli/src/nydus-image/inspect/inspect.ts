// SPDX-License-Identifier: Apache-2.0
/** `inspect`: one request, or commands from the standard input until `exit` or its end. */
import { createInterface } from 'node:readline'
import { describeError } from '@nydus/base/error'
import { openBootstrap } from '@nydus/rafs-format'
import type { ImageArguments } from '../command-spec.ts'
import type { ImageContext } from '../context.ts'
import { refused } from '../file-failure.ts'
import { bootstrapPath, readBootstrapOrBlob, sayFeatures } from '../read-bootstrap.ts'
import { executeRequest, type InspectOutcome } from './requests.ts'
import { type InspectSession, openSession } from './session.ts'

const PROMPT = 'Inspecting RAFS :> '

/** Runs `inspect`. @throws {NydusError} ERR_USAGE for a request that is not understood. */
export async function runInspect(values: ImageArguments, context: ImageContext): Promise<number> {
  const path = bootstrapPath(values)
  const bootstrap = openBootstrap(await readBootstrapOrBlob(path))
  sayFeatures(bootstrap, context.log)
  const print = (text: string) => context.stdout.write(`${text}\n`)
  const request = values.text('request')
  const session = openSession(bootstrap, path, request === undefined ? 'prompt' : 'request', print)
  if (request === undefined) await runPrompt(session, context)
  else context.stdout.write(answerOf(executeRequest(session, request), request))
  return 0
}

function answerOf(outcome: InspectOutcome, request: string): string {
  switch (outcome.kind) {
    case 'unknown':
      throw refused(`unsupported inspect request \`${request}\``)
    case 'help':
      throw refused('help is not supported in inspect request mode')
    case 'bad-argument':
      throw refused(`invalid arguments in inspect request \`${request}\``)
    case 'done':
      return JSON.stringify(outcome.answer ?? null)
    case 'exit':
      return 'null'
  }
}

async function runPrompt(session: InspectSession, { stdin, stdout, signal }: ImageContext): Promise<void> {
  const lines = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY, signal })
  stdout.write(PROMPT)
  try {
    for await (const line of lines) {
      if (runLine(session, line).kind === 'exit') return
      stdout.write(PROMPT)
    }
    signal.throwIfAborted()
    stdout.write('\n')
  } finally {
    lines.close()
  }
}

/** A command that fails is no reason to leave. */
function runLine(session: InspectSession, line: string): InspectOutcome {
  try {
    return executeRequest(session, line)
  } catch (error) {
    session.print(`Failed to execute command, ${describeError(error)}`)
    return { kind: 'done' }
  }
}
