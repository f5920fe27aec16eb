// SPDX-License-Identifier: Apache-2.0
/** What a subcommand gets from the process. */
import type { Readable } from 'node:stream'
import type { ImageLog } from './log.ts'

/** A stream for text. */
export interface TextOutput {
  write(text: string): unknown
}

/** The streams of the process around a command line. */
export interface ProcessContext {
  /** Opened only when it is read. */
  readonly stdin: Readable
  /** Results that programs parse; nothing else is written there. */
  readonly stdout: TextOutput
  readonly stderr: TextOutput
  readonly signal: AbortSignal
}

/** The world of one subcommand. */
export interface ImageContext extends ProcessContext {
  readonly log: ImageLog
}
