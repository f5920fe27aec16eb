// SPDX-License-Identifier: Apache-2.0
/**
 * Decodes a layer in a thread of its own, through a few shared buffers that are used again and again: the main thread
 * neither waits for zlib nor collects its output buffers as garbage.
 */
import { Worker } from 'node:worker_threads'
import { DigestError } from '@nydus/base/error'
import { BuildError } from '../build-error.ts'
import { workerEntry } from '../worker/worker-entry.ts'
import type { DecodeBuffers, DecodeReply, DecodeRequest } from './decode-session.ts'

const INPUT_BYTES = 256 << 10
const INPUTS = 4
const OUTPUT_BYTES = 512 << 10
const OUTPUTS = 8

type Event =
  | Exclude<DecodeReply, { kind: 'input-free' }>
  | { readonly kind: 'source-failed'; readonly cause: unknown }

/** A thread that decodes one stream at a time. */
export class DecodeThread {
  readonly #worker: Worker
  readonly #inputs: readonly Uint8Array[]
  readonly #outputs: readonly Uint8Array[]
  #session = 0
  #events: Event[] = []
  #wakeReader: (() => void) | undefined
  #freeInputs: number[] = []
  #wakeFeeder: (() => void) | undefined
  #crash: unknown

  constructor() {
    const shared = (count: number, bytes: number) =>
      Array.from({ length: count }, () => new SharedArrayBuffer(bytes))
    const buffers: DecodeBuffers = {
      inputs: shared(INPUTS, INPUT_BYTES),
      outputs: shared(OUTPUTS, OUTPUT_BYTES),
    }
    this.#inputs = buffers.inputs.map((buffer) => new Uint8Array(buffer))
    this.#outputs = buffers.outputs.map((buffer) => new Uint8Array(buffer))
    const { url, options } = workerEntry({ role: 'decode', buffers })
    this.#worker = new Worker(url, options)
    this.#worker.unref()
    this.#worker.on('message', (reply: DecodeReply) => this.#receive(reply))
    this.#worker.on('error', (cause) => this.#crashed(cause))
    this.#worker.on('exit', (code) => this.#crashed(new Error(`exit status ${code}`)))
  }

  /** False after the thread crashed or was closed. */
  get isAlive(): boolean {
    return this.#crash === undefined
  }

  /**
   * Decodes `source`, which is read to its end. A piece is valid only until the next one is asked for.
   * @param onDigest takes the hex SHA-256 of all plain bytes, at the end.
   * @throws {DigestError} ERR_DECOMPRESS_FAILED; {BuildError} ERR_BUILD_IO when the thread crashed; what `source` throws.
   */
  async *decode(
    source: AsyncIterable<Uint8Array>,
    compression: 'gzip' | 'zstd',
    onDigest: (digest: string) => void,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    this.#session += 1
    const session = this.#session
    this.#events = []
    this.#freeInputs = this.#inputs.map((_, index) => index)
    this.#worker.ref()
    this.#post({ kind: 'start', session, compression })
    const fed = this.#feed(source, session)
    try {
      for (;;) {
        const event = await this.#nextEvent()
        if (event.kind === 'done') {
          onDigest(event.digest)
          break
        }
        if (event.kind !== 'output') throw failureOf(event, compression)
        yield (this.#outputs[event.index] as Uint8Array).subarray(0, event.length)
        this.#post({ kind: 'output-free', session, index: event.index })
      }
      await fed
    } finally {
      // What still comes from this session is stale.
      this.#session += 1
      this.#wakeFeeder?.()
      this.#worker.unref()
    }
  }

  /** Ends the thread; a stream under way fails. */
  async close(): Promise<void> {
    this.#crashed(new BuildError('ERR_BUILD_IO', 'the chunk pool is closed'))
    await this.#worker.terminate()
  }

  /** Copies the source into input buffers as they become free. Never rejects. */
  async #feed(source: AsyncIterable<Uint8Array>, session: number): Promise<void> {
    try {
      let filled = 0
      for await (const piece of source) {
        for (let at = 0; at < piece.length; ) {
          while (this.#freeInputs.length === 0 && this.#session === session) await this.#inputFreed()
          if (this.#session !== session) return
          const input = this.#inputs[this.#freeInputs[0] as number] as Uint8Array
          const bytes = piece.subarray(at, at + INPUT_BYTES - filled)
          input.set(bytes, filled)
          filled += bytes.length
          at += bytes.length
          // Messages cost more than decoding a few bytes: only full buffers are sent while the thread has work.
          if (filled === INPUT_BYTES || this.#freeInputs.length === INPUTS)
            filled = this.#send(session, filled)
        }
      }
      if (this.#session !== session) return
      if (filled > 0) this.#send(session, filled)
      this.#post({ kind: 'end', session })
    } catch (cause) {
      if (this.#session === session) this.#push({ kind: 'source-failed', cause })
    }
  }

  /** Sends the first free input, of which `length` bytes are filled. @returns 0, the bytes of the next one. */
  #send(session: number, length: number): 0 {
    const index = this.#freeInputs.shift() as number
    this.#post({ kind: 'input', session, index, length })
    return 0
  }

  #inputFreed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeFeeder = resolve
    })
  }

  async #nextEvent(): Promise<Event> {
    for (;;) {
      const event = this.#events.shift()
      if (event !== undefined) return event
      if (this.#crash !== undefined) throw this.#crash
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
    }
  }

  #receive(reply: DecodeReply): void {
    if (reply.session !== this.#session) return
    if (reply.kind === 'input-free') {
      this.#freeInputs.push(reply.index)
      this.#wakeFeeder?.()
    } else this.#push(reply)
  }

  #push(event: Event): void {
    this.#events.push(event)
    this.#wakeReader?.()
  }

  #post(request: DecodeRequest): void {
    this.#worker.postMessage(request)
  }

  #crashed(cause: unknown): void {
    this.#crash ??= new BuildError('ERR_BUILD_IO', 'a decode thread crashed', { cause })
    this.#wakeReader?.()
  }
}

function failureOf(
  event: Extract<Event, { kind: 'failed' | 'source-failed' }>,
  compression: string,
): unknown {
  if (event.kind === 'source-failed') return event.cause
  if (event.code === 'ERR_DECOMPRESS_FAILED')
    return new DigestError(event.code, event.message, { details: { compression } })
  const truncated = event.code === 'Z_BUF_ERROR'
  return new DigestError(
    'ERR_DECOMPRESS_FAILED',
    `${truncated ? 'truncated' : 'damaged'} ${compression} layer`,
    {
      cause: new Error(event.message),
      details: { compression, truncated },
    },
  )
}
