// SPDX-License-Identifier: Apache-2.0
/** READs that need something fetched: read and answered by the main thread. */
import { describeError } from '@nydus/base/error'
import { errnoOf } from './errno.ts'
import type { ReadFile } from './file-reader.ts'
import { countFop, type FileAccess, FOP_COUNTER_COUNT, fopOf } from './fop-counters.ts'
import type { FuseFailure } from './fuse-event.ts'
import { libc } from './libc.ts'
import { OPCODE } from './protocol/opcodes.ts'
import { createReplyBuffer, finishReply, MAX_PAYLOAD_BYTES } from './reply-buffer.ts'
import type { ReadMiss } from './worker-protocol.ts'

/** What misses are answered with. */
export interface MissReaderOptions {
  readonly readFile: ReadFile
  /** Aborted when the mount is closed. */
  readonly signal: AbortSignal
  /** The FUSE connection. */
  readonly fuseFd: number
  onFailure(failure: FuseFailure): void
  /** Told of every answer. */
  onAccess?: ((access: FileAccess) => void) | undefined
}

/** Answers misses, any number at a time. */
export interface MissReader {
  answer(miss: ReadMiss): void
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
  readonly counts: { readonly pending: number; readonly readBytes: number; readonly failures: number }
  /** Counters of fop-counters.ts. */
  readonly fops: Float64Array
  /** What is being waited for now. */
  inflight(): readonly InflightRead[]
}

/** A READ whose data is not there yet. */
export interface InflightRead {
  readonly nid: number
  /** Of the request, as the kernel numbers them. */
  readonly unique: number
  /** Milliseconds since 1970. */
  readonly since: number
}

/** A reader for the misses of one mount. */
export function createMissReader(options: MissReaderOptions): MissReader {
  const { fuseFd, signal, readFile } = options
  const pending = new Set<Promise<void>>()
  const counts = { readBytes: 0, failures: 0 }
  const fops = new Float64Array(FOP_COUNTER_COUNT)
  const waiting = new Set<InflightRead>()
  // One for all: a reply is put together and written in one go, after everything it needs has arrived.
  const reply = createReplyBuffer()

  async function answerOne(miss: ReadMiss): Promise<void> {
    const started = performance.now()
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
    countFop(fops, OPCODE.READ, result, result < 0, performance.now() - started)
    options.onAccess?.({ nid: miss.nid, fop: fopOf(OPCODE.READ) ?? 0, result, isError: result < 0 })
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
      const unique = miss.uniqueHigh * 2 ** 32 + miss.uniqueLow
      const read = { nid: miss.nid, unique, since: Date.now() }
      waiting.add(read)
      const work = answerOne(miss).finally(() => {
        pending.delete(work)
        waiting.delete(read)
      })
      pending.add(work)
    },
    async idle() {
      await Promise.allSettled(pending)
    },
    fops,
    inflight: () => [...waiting],
    get counts() {
      return { ...counts, pending: pending.size }
    },
  }
}
