// SPDX-License-Identifier: Apache-2.0
/** The worker's half of decode-thread.ts: decodes one stream after the other between shared buffers. */
import { createHash, type Hash } from 'node:crypto'
import { isNydusError } from '@nydus/base/error'
import { createLayerInflater, type LayerInflater } from './layer-inflater.ts'

/** Main thread → decode thread. Buffers are named by their number. */
export type DecodeRequest =
  | { readonly kind: 'start'; readonly session: number; readonly compression: 'gzip' | 'zstd' }
  | { readonly kind: 'input'; readonly session: number; readonly index: number; readonly length: number }
  | { readonly kind: 'output-free'; readonly session: number; readonly index: number }
  | { readonly kind: 'end'; readonly session: number }

/** Decode thread → main thread. */
export type DecodeReply =
  | { readonly kind: 'input-free'; readonly session: number; readonly index: number }
  | { readonly kind: 'output'; readonly session: number; readonly index: number; readonly length: number }
  /** Everything is decoded; SHA-256 of it in hex. */
  | { readonly kind: 'done'; readonly session: number; readonly digest: string }
  | { readonly kind: 'failed'; readonly session: number; readonly code: string; readonly message: string }

/** Buffers of a decode thread. */
export interface DecodeBuffers {
  readonly inputs: readonly SharedArrayBuffer[]
  readonly outputs: readonly SharedArrayBuffer[]
}

/** Handles the requests of one decode thread. */
export class DecodeSession {
  readonly #inputs: readonly Uint8Array[]
  readonly #outputs: readonly Uint8Array[]
  readonly #reply: (reply: DecodeReply) => void
  #session = 0
  #inflater: LayerInflater | undefined
  #hash: Hash = createHash('sha256')
  #queue: { readonly index: number; readonly bytes: Uint8Array; at: number }[] = []
  #free: number[] = []
  #filled = 0
  #ended = false

  constructor(buffers: DecodeBuffers, reply: (reply: DecodeReply) => void) {
    this.#inputs = buffers.inputs.map((buffer) => new Uint8Array(buffer))
    this.#outputs = buffers.outputs.map((buffer) => new Uint8Array(buffer))
    this.#reply = reply
  }

  /** Takes a request; those of an abandoned session are ignored. */
  handle(request: DecodeRequest): void {
    if (request.kind === 'start') this.#start(request.session, request.compression)
    if (request.session !== this.#session || this.#inflater === undefined) return
    if (request.kind === 'input') {
      const bytes = (this.#inputs[request.index] as Uint8Array).subarray(0, request.length)
      this.#queue.push({ index: request.index, bytes, at: 0 })
    }
    if (request.kind === 'output-free') this.#free.push(request.index)
    if (request.kind === 'end') this.#ended = true
    this.#runSafely(this.#inflater)
  }

  #start(session: number, compression: 'gzip' | 'zstd'): void {
    this.#inflater?.close()
    this.#session = session
    this.#hash = createHash('sha256')
    this.#queue = []
    this.#free = this.#outputs.map((_, index) => index)
    this.#filled = 0
    this.#ended = false
    this.#inflater = createLayerInflater(compression)
  }

  #runSafely(inflater: LayerInflater): void {
    try {
      this.#run(inflater)
    } catch (cause) {
      this.#close(inflater)
      this.#reply({ kind: 'failed', session: this.#session, ...describe(cause) })
    }
  }

  /** Goes on as long as there is input and room. */
  #run(inflater: LayerInflater): void {
    for (;;) {
      const output = this.#outputs[this.#free[0] ?? -1]
      if (output === undefined) return
      const input = this.#queue[0]
      if (input === undefined) break
      const step = inflater.inflate(input.bytes, input.at, output, this.#filled)
      input.at += step.read
      this.#filled += step.written
      if (this.#filled === output.length) this.#emit(output)
      // An input that is used up may still have output inside the decoder: the next input brings it out.
      else if (input.at === input.bytes.length) this.#release()
    }
    if (this.#ended) this.#finish(inflater)
    else if (this.#filled > 0) this.#emit(this.#outputs[this.#free[0] as number] as Uint8Array)
  }

  #finish(inflater: LayerInflater): void {
    for (;;) {
      const output = this.#outputs[this.#free[0] ?? -1]
      if (output === undefined) return
      const written = inflater.finish(output, this.#filled)
      this.#filled += written
      if (this.#filled > 0 && (written === 0 || this.#filled === output.length)) this.#emit(output)
      if (written > 0) continue
      this.#close(inflater)
      this.#reply({ kind: 'done', session: this.#session, digest: this.#hash.digest('hex') })
      return
    }
  }

  #emit(output: Uint8Array): void {
    const index = this.#free.shift() as number
    const length = this.#filled
    this.#filled = 0
    this.#hash.update(output.subarray(0, length))
    this.#reply({ kind: 'output', session: this.#session, index, length })
  }

  #release(): void {
    const used = this.#queue.shift()
    if (used !== undefined) this.#reply({ kind: 'input-free', session: this.#session, index: used.index })
  }

  #close(inflater: LayerInflater): void {
    inflater.close()
    this.#inflater = undefined
  }
}

function describe(cause: unknown): { code: string; message: string } {
  if (isNydusError(cause)) return { code: cause.code, message: cause.message }
  if (!(cause instanceof Error)) return { code: '', message: String(cause) }
  return { code: 'code' in cause ? String(cause.code) : '', message: cause.message }
}
