// SPDX-License-Identifier: Apache-2.0
/** One worker thread of a pool: starts it, keeps count of what it has to do, replaces it after a crash. */
import { Worker } from 'node:worker_threads'
import { BuildError } from '../build-error.ts'
import type { WorkerReply, WorkerRequest } from '../chunk/chunk-session.ts'
import { workerEntry } from './worker-entry.ts'

type BatchRequest = Omit<Extract<WorkerRequest, { kind: 'batch' }>, 'ticket'>

interface Ticket {
  readonly bytes: number
  resolve(): void
  reject(cause: unknown): void
}

/** A worker thread that lives as long as it is needed. */
export class WorkerThread {
  #worker: Worker | undefined
  readonly #tickets = new Map<number, Ticket>()
  #lastTicket = 0
  #queuedBytes = 0
  #closed = false

  constructor() {
    this.#worker = this.#start()
  }

  /** Bytes of all batches that wait here or are worked on. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Works on a batch. @throws {BuildError} ERR_BUILD_IO when the worker fails or is closed. */
  run(request: BatchRequest, bytes: number): Promise<void> {
    if (this.#closed) return Promise.reject(poolClosed())
    const worker = this.#worker ?? this.#start()
    this.#worker = worker
    return new Promise((resolve, reject) => {
      this.#lastTicket += 1
      this.#tickets.set(this.#lastTicket, { bytes, resolve, reject })
      this.#queuedBytes += bytes
      worker.ref()
      worker.postMessage({ ...request, ticket: this.#lastTicket } satisfies WorkerRequest)
    })
  }

  /** Drops what the worker remembers of a lane. */
  forget(lane: number): void {
    this.#worker?.postMessage({ kind: 'forget', lane } satisfies WorkerRequest)
  }

  /** Stops the thread; what it had to do is rejected. */
  async close(): Promise<void> {
    this.#closed = true
    this.#failAll(poolClosed())
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const { url, options } = workerEntry({ role: 'chunks' })
    const worker = new Worker(url, options)
    worker.unref()
    worker.on('message', (reply: WorkerReply) => this.#settle(reply))
    worker.on('error', (cause) => this.#crashed(worker, cause))
    worker.on('exit', (code) => this.#crashed(worker, new Error(`exit status ${code}`)))
    return worker
  }

  #settle({ ticket: number, failure }: WorkerReply): void {
    const ticket = this.#tickets.get(number)
    if (ticket === undefined) return
    this.#tickets.delete(number)
    this.#queuedBytes -= ticket.bytes
    if (this.#tickets.size === 0) this.#worker?.unref()
    if (failure === undefined) ticket.resolve()
    else ticket.reject(new BuildError('ERR_BUILD_IO', `a chunk could not be compressed: ${failure}`))
  }

  #crashed(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#failAll(new BuildError('ERR_BUILD_IO', 'a compression worker crashed', { cause }))
  }

  #failAll(cause: BuildError): void {
    const tickets = [...this.#tickets.values()]
    this.#tickets.clear()
    this.#queuedBytes = 0
    for (const ticket of tickets) ticket.reject(cause)
  }
}

function poolClosed(): BuildError {
  return new BuildError('ERR_BUILD_IO', 'the chunk pool is closed')
}
