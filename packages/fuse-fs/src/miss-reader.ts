// SPDX-License-Identifier: Apache-2.0
/** READs that need something fetched: read and answered by the main thread. */
import { describeError } from '@nydus/base/error'
import { errnoOf } from './errno.ts'
import { createFileReader, type FileReaderOptions } from './file-reader.ts'
import type { FuseFailure } from './fuse-event.ts'
import { libc } from './libc.ts'
import { createReplyBuffer, finishReply, MAX_PAYLOAD_BYTES } from './reply-buffer.ts'
import type { ReadMiss } from './worker-protocol.ts'

/** What misses are answered with. */
export interface MissReaderOptions extends FileReaderOptions {
  /** The FUSE connection. */
  readonly fuseFd: number
  onFailure(failure: FuseFailure): void
}

/** Answers misses, any number at a time. */
export interface MissReader {
  answer(miss: ReadMiss): void
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
  readonly counts: { readonly pending: number; readonly readBytes: number; readonly failures: number }
}

/** A reader for the misses of one mount. */
export function createMissReader(options: MissReaderOptions): MissReader {
  const { fuseFd, signal } = options
  const readFile = createFileReader(options)
  const pending = new Set<Promise<void>>()
  const counts = { readBytes: 0, failures: 0 }
  // One for all: a reply is put together and written in one go, after everything it needs has arrived.
  const reply = createReplyBuffer()

  async function answerOne(miss: ReadMiss): Promise<void> {
    let result: number
    try {
      const part = await readFile(miss.nid, miss.offset, Math.min(miss.size, MAX_PAYLOAD_BYTES))
      if (signal.aborted) return
      part.copyTo(reply.payload)
      result = part.length
    } catch (error) {
      result = -reportFailure(miss, error)
    }
    // The number may belong to another file once the mount is closed.
    if (signal.aborted) return
    counts.readBytes += Math.max(result, 0)
    libc().write(fuseFd, reply.bytes, finishReply(reply, result, miss.uniqueLow, miss.uniqueHigh))
  }

  function reportFailure(miss: ReadMiss, error: unknown): number {
    const errno = errnoOf(error)
    if (signal.aborted) return errno
    counts.failures += 1
    options.onFailure({
      kind: 'failure',
      operation: 'READ',
      nid: miss.nid,
      errno,
      message: describeError(error),
      error,
    })
    return errno
  }

  return {
    answer(miss) {
      const work = answerOne(miss).finally(() => pending.delete(work))
      pending.add(work)
    },
    async idle() {
      await Promise.allSettled(pending)
    },
    get counts() {
      return { ...counts, pending: pending.size }
    },
  }
}
