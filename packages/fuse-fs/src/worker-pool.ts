// SPDX-License-Identifier: Apache-2.0
/** The worker threads of one mount: started together, stopped together, told of every opened blob. */
import { closeSync, writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { FileAccess } from './fop-counters.ts'
import { FuseError } from './fuse-error.ts'
import type { CloseReason, FuseFailure } from './fuse-event.ts'
import { CLOEXEC, libc } from './libc.ts'
import {
  COUNTER_COUNT,
  type DeviceUse,
  type InboxMessage,
  type ReadMiss,
  SHARED,
  SHARED_COUNT,
  type WorkerMessage,
  type WorkerSetup,
} from './worker-protocol.ts'

/** What workers need and whom they call. */
export interface WorkerPoolOptions {
  /** Threads, ≥ 1. */
  readonly count: number
  readonly setup: Pick<WorkerSetup, 'serves' | 'fuseFd'>
  /** Told of every answer of a worker; costs a message each. */
  readonly onAccess?: ((access: FileAccess) => void) | undefined
  onMiss(miss: ReadMiss): void
  onFailure(failure: FuseFailure): void
  /** A device was opened or closed. */
  onDeviceUse?(use: DeviceUse): void
  /** The connection ended or a worker died. May be called several times. */
  onEnd(reason: CloseReason, error?: unknown): void
}

/** Running workers. */
export interface WorkerPool {
  /** Resolves when every worker serves; rejects when one cannot start. */
  readonly ready: Promise<void>
  /** Resolves when every worker has left. */
  readonly exited: Promise<void>
  /** Counters of each worker, indexed by COUNTER. */
  readonly counters: readonly Float64Array[]
  /** Tells all workers; before the next request each of them knows. */
  post(message: InboxMessage): void
  /** Makes all workers leave at once; synchronous, so that it works while the process exits. Idempotent. */
  stop(): void
}

/** Runs from sources and from the bundle: the entry has the extension that this file has. */
const ENTRY_EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const ENTRY = new URL(`./fuse-worker.${ENTRY_EXTENSION}`, import.meta.url)
const ENTRY_OPTIONS = ENTRY_EXTENSION === 'ts' ? { execArgv: ['--conditions=@nydus/source'] } : {}

/** A worker makes little garbage: a small young generation is collected often and costs little. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 256 }

/** Starts the workers. */
export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const stopFd = createStopDescriptor()
  const shared = new Int32Array(new SharedArrayBuffer(SHARED_COUNT * Int32Array.BYTES_PER_ELEMENT))
  const counters = Array.from({ length: options.count }, createCounters)
  const running = counters.map((own, index) => {
    const tellsAccess = options.onAccess !== undefined
    const setup: WorkerSetup = { ...options.setup, tellsAccess, stopFd, shared, counters: own }
    return startWorker(setup, index, options)
  })
  let isOver = false
  const exited = Promise.all(running.map((one) => one.exited)).then(() => {
    isOver = true
    closeSync(stopFd)
  })
  const ready = Promise.all(running.map((one) => one.ready)).then(() => {})
  // Whoever waits for it gets the rejection; nobody else has to.
  ready.catch(() => {})
  return {
    ready,
    exited,
    counters,
    post(message) {
      for (const { worker } of running) worker.postMessage(message)
      Atomics.add(shared, SHARED.POSTED, 1)
    },
    stop() {
      // The number of the descriptor may belong to another file when the workers have left by themselves.
      if (!isOver && Atomics.exchange(shared, SHARED.STOP, 1) === 0)
        writeSync(stopFd, new BigUint64Array([1n]))
    },
  }
}

function createStopDescriptor(): number {
  const { eventfd, errno } = libc()
  const fd = eventfd(0, CLOEXEC)
  if (fd >= 0) return fd
  throw new FuseError('ERR_FUSE_MOUNT_FAILED', `no eventfd: errno ${errno()}`, {
    hint: 'raise the limit of open files',
  })
}

function createCounters(): Float64Array {
  return new Float64Array(new SharedArrayBuffer(COUNTER_COUNT * Float64Array.BYTES_PER_ELEMENT))
}

interface RunningWorker {
  readonly worker: Worker
  readonly ready: Promise<void>
  readonly exited: Promise<void>
}

function startWorker(setup: WorkerSetup, index: number, options: WorkerPoolOptions): RunningWorker {
  const worker = new Worker(ENTRY, {
    ...ENTRY_OPTIONS,
    name: `fuse-${index}`,
    workerData: setup,
    resourceLimits: RESOURCE_LIMITS,
  })
  const ready = Promise.withResolvers<void>()
  const exited = Promise.withResolvers<void>()
  worker.on('message', (message: WorkerMessage) => {
    if (message.kind === 'miss') options.onMiss(message)
    else if (message.kind === 'failure') options.onFailure(message)
    else if (message.kind === 'ready') ready.resolve()
    else if (message.kind === 'access') options.onAccess?.(message)
    else if (message.kind === 'opened' || message.kind === 'released') options.onDeviceUse?.(message)
    else options.onEnd('kernel')
  })
  worker.on('error', (error) => {
    ready.reject(error)
    options.onEnd('worker', error)
  })
  worker.on('exit', () => {
    ready.reject(new FuseError('ERR_FUSE_PROTOCOL', `FUSE worker ${index} ended before it was ready`))
    exited.resolve()
  })
  return { worker, ready: ready.promise, exited: exited.promise }
}
