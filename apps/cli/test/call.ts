// SPDX-License-Identifier: Apache-2.0
/** Command lines in this process, their output caught. */
import { Readable } from 'node:stream'
import { type CommandContext, run } from '../src/index.ts'

/** What a command line gave. */
export interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  /** The standard output as bytes. */
  readonly bytes: Buffer
}

/** Runs one command line. @param changes to the world of the command. */
export async function call(
  argv: readonly string[],
  changes: Partial<CommandContext> & { readonly input?: string } = {},
): Promise<Outcome> {
  const pieces: Buffer[] = []
  let stderr = ''
  const status = await run(argv, {
    calledAs: 'nydus',
    stdin: Readable.from(changes.input === undefined ? [] : [changes.input]),
    stdout: { write: (piece) => pieces.push(Buffer.from(piece)) },
    stderr: { write: (text) => (stderr += text) },
    env: {},
    signal: new AbortController().signal,
    ...changes,
  })
  const bytes = Buffer.concat(pieces)
  return { status, stderr, bytes, stdout: bytes.toString() }
}
