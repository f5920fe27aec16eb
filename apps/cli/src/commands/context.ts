// SPDX-License-Identifier: Apache-2.0
/** What a command gets from the process: streams, environment, and the name it was called with. */
import type { Readable } from 'node:stream'

/** A stream for text. */
export interface TextStream {
  write(text: string | Uint8Array): unknown
  readonly isTTY?: boolean
}

/** The world of one command. */
export interface CommandContext {
  /** `nydus`, or a name of the original tools, whose exit statuses then hold. */
  readonly calledAs: 'nydus' | 'nydusify'
  readonly stdin: Readable
  /** Results. */
  readonly stdout: TextStream
  /** Progress, notes and errors. */
  readonly stderr: TextStream
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}
