// SPDX-License-Identifier: Apache-2.0
/**
 * A FUSE connection from the first exchange to its end. The main thread negotiates, fetches what is missing and cleans
 * up; workers answer everything else.
 *
 * The end comes from one of three sides: `unmount()`, the kernel (somebody unmounted or aborted the connection: a worker
 * reads ENODEV), or a worker that died. All lead through `end()`: detach, stop the workers, wait for them, and only then
 * close the descriptor, because a number that is closed early may belong to another file by then.
 */
import { closeSync } from 'node:fs'
import { detachAtExit } from './detach-at-exit.ts'
import type { ReadFile } from './file-reader.ts'
import { type FileAccess, sumFops } from './fop-counters.ts'
import type { CloseReason, FuseEvent, FuseStats } from './fuse-event.ts'
import { exchangeInit } from './init-exchange.ts'
import { createMissReader, type MissReader } from './miss-reader.ts'
import type { KernelMount } from './mount.ts'
import { createWorkerPool, type WorkerPool } from './worker-pool.ts'
import {
  COUNTER,
  type DeviceUse,
  FOP_COUNTERS_AT,
  type InboxMessage,
  type Served,
} from './worker-protocol.ts'

/** What a session works with. */
export interface SessionOptions {
  readonly kernelMount: KernelMount
  readonly serves: Served
  /** Gets what workers miss, until the signal aborts; tells workers of views through `post`. */
  readonly createReader: (port: ReaderPort) => ReadFile
  /** Devices only: one was opened or closed. */
  readonly onDeviceUse?: (use: DeviceUse) => void
  readonly workers: number
  readonly onEvent: (event: FuseEvent) => void
  /** Told of every answer; costs a message each. */
  readonly onAccess?: ((access: FileAccess) => void) | undefined
  readonly signal: AbortSignal | undefined
}

/** What a reader of misses is given. */
export interface ReaderPort {
  readonly signal: AbortSignal
  post(message: InboxMessage): void
}

/** A running session; the members are those of `RafsMount`. */
export interface Session {
  /** Tells all workers. */
  post(message: InboxMessage): void
  unmount(): Promise<void>
  readonly closed: Promise<void>
  stats(): FuseStats
}

/** Negotiates with the kernel and starts the workers. On failure nothing stays mounted. */
export async function startSession(options: SessionOptions): Promise<Session> {
  const { kernelMount, onEvent, signal, workers } = options
  const { protocol, pool, misses, closer } = await openSession(options).catch(async (error: unknown) => {
    await kernelMount.unmount()
    closeSync(kernelMount.fd)
    throw error
  })
  const onAbort = (): void => void closer.end('unmounted')
  void closer.closed.then(() => signal?.removeEventListener('abort', onAbort))
  try {
    await pool.ready
    signal?.throwIfAborted()
  } catch (error) {
    await closer.end('unmounted')
    throw error
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  onEvent({ kind: 'ready', protocol, workers, limits: [] })
  const { unmount, closed } = closer
  return { post: pool.post, unmount, closed, stats: () => sumStats(pool, misses) }
}

/** INIT has to be answered before a worker may read from the connection. */
async function openSession(options: SessionOptions) {
  const { serves, onDeviceUse, onEvent, onAccess, signal } = options
  const { fd: fuseFd } = options.kernelMount
  const { major, minor } = await exchangeInit(fuseFd, signal)
  const stopping = new AbortController()
  const misses = createMissReader({
    ...{ fuseFd, signal: stopping.signal, onFailure: onEvent, onAccess },
    readFile: options.createReader({ signal: stopping.signal, post: (message) => pool.post(message) }),
  })
  const pool = createWorkerPool({
    count: options.workers,
    setup: { serves, fuseFd },
    onAccess,
    ...(onDeviceUse === undefined ? {} : { onDeviceUse }),
    onMiss: misses.answer,
    onFailure: onEvent,
    onEnd: (reason, error) => void closer.end(reason, error),
  })
  const closer = createCloser(options, { pool, misses, stopping })
  return { protocol: `${major}.${minor}`, pool, misses, closer }
}

interface Closer {
  /** Ends the session; the first reason counts. Never rejects. @returns what went wrong, if something did. */
  end(reason: CloseReason, error?: unknown): Promise<unknown>
  unmount(): Promise<void>
  readonly closed: Promise<void>
}

function createCloser(
  { kernelMount, onEvent }: SessionOptions,
  parts: { readonly pool: WorkerPool; readonly misses: MissReader; readonly stopping: AbortController },
): Closer {
  const closed = Promise.withResolvers<void>()
  const keepMount = detachAtExit(() => {
    kernelMount.detachNow()
    parts.pool.stop()
  })
  let ending: Promise<unknown> | undefined

  async function finish(reason: CloseReason, error: unknown): Promise<unknown> {
    const failure = await kernelMount.unmount().then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    parts.stopping.abort(new Error('the mount is closed'))
    parts.pool.stop()
    await Promise.all([parts.pool.exited, parts.misses.idle()])
    closeSync(kernelMount.fd)
    keepMount()
    onEvent({ kind: 'closed', reason, ...(error === undefined ? {} : { error }) })
    closed.resolve()
    return failure
  }

  function end(reason: CloseReason, error?: unknown): Promise<unknown> {
    ending ??= finish(reason, error)
    return ending
  }

  async function unmount(): Promise<void> {
    const failure = await end('unmounted')
    if (failure !== undefined) throw failure
  }

  return { end, unmount, closed: closed.promise }
}

function sumStats(pool: WorkerPool, misses: MissReader): FuseStats {
  const sum = (index: number): number =>
    pool.counters.reduce((total, counters) => total + (counters[index] ?? 0), 0)
  const { readBytes, failures, pending } = misses.counts
  return {
    requests: sum(COUNTER.REQUESTS),
    reads: sum(COUNTER.READS),
    readBytes: sum(COUNTER.READ_BYTES) + readBytes,
    misses: sum(COUNTER.MISSES),
    failures: sum(COUNTER.FAILURES) + failures,
    pending,
    fops: sumFops([...pool.counters.map((counters) => counters.subarray(FOP_COUNTERS_AT)), misses.fops]),
    inflight: misses.inflight(),
  }
}
