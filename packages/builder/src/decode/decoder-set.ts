// SPDX-License-Identifier: Apache-2.0
/** Decode threads of a pool: one for each layer that is read at a time, kept for the next. */
import { BuildError } from '../build-error.ts'
import { DecodeThread } from './decode-thread.ts'

/** Idle threads that are kept. */
const MAX_IDLE = 2

/** The decode threads of a pool, lent to one layer at a time. */
export class DecoderSet {
  readonly #threads = new Set<DecodeThread>()
  #idle: DecodeThread[] = []
  #closed = false

  /** As DecodeThread.decode, in an idle thread or a new one. */
  async *decode(...stream: Parameters<DecodeThread['decode']>): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#closed) throw new BuildError('ERR_BUILD_IO', 'the chunk pool is closed')
    const thread = this.#take()
    this.#threads.add(thread)
    try {
      yield* thread.decode(...stream)
    } finally {
      await this.#takeBack(thread)
    }
  }

  /** Ends all threads. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#threads].map((thread) => thread.close()))
    this.#threads.clear()
    this.#idle = []
  }

  #take(): DecodeThread {
    for (;;) {
      const idle = this.#idle.pop()
      if (idle === undefined) return new DecodeThread()
      if (idle.isAlive) return idle
      this.#threads.delete(idle)
    }
  }

  async #takeBack(thread: DecodeThread): Promise<void> {
    if (thread.isAlive && this.#idle.length < MAX_IDLE) {
      this.#idle.push(thread)
      return
    }
    this.#threads.delete(thread)
    await thread.close()
  }
}
