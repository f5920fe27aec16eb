// SPDX-License-Identifier: Apache-2.0
/** Bytes on their way to a sink: collected into large writes, counted, and hashed once although two digests are kept. */
import { createHash, type Hash } from 'node:crypto'
import { isNydusError } from '@nydus/base/error'
import { BuildError } from '../build-error.ts'
import type { BlobSink } from '../layer/build-options.ts'
import { untilAborted } from '../layer/until-aborted.ts'

/** Bytes of one write to the sink. Measured: Linux takes twice as long for the same file in writes of 1 MiB. */
const WRITE_BYTES = 1 << 19
/** Buffers that are kept for the next bytes. */
const MAX_SPARE = 2

/** SHA-256 digests of a finished blob, 64 hex digits each. */
export interface OutputDigests {
  /** Of the whole file: the digest that registries know. */
  readonly file: string
  /** Of everything but the chunk digests: the original builder names files by it. */
  readonly running: string
}

/** An append-only file. `put` never waits; call `flush` while `isFull`. */
export class BlobOutput {
  readonly #sink: BlobSink
  readonly #signal: AbortSignal
  readonly #fileHash = createHash('sha256')
  /** Absent while it equals the file hash, which is until the first bytes that it leaves out. */
  #runningHash: Hash | undefined
  #full: Uint8Array[] = []
  #buffer: Uint8Array = Buffer.allocUnsafeSlow(WRITE_BYTES)
  readonly #spare: Uint8Array[] = []
  #filled = 0
  #hashed = 0
  #position = 0

  /** @param signal ends waiting for the sink, and everything after. */
  constructor(sink: BlobSink, signal: AbortSignal) {
    this.#sink = sink
    this.#signal = signal
  }

  /** Bytes put so far. */
  get position(): number {
    return this.#position
  }

  /** True when there is something to flush. */
  get isFull(): boolean {
    return this.#full.length > 0
  }

  /** Appends a copy of `bytes`. */
  put(bytes: Uint8Array): void {
    this.#position += bytes.length
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(bytes.length - at, WRITE_BYTES - this.#filled)
      this.#buffer.set(
        at === 0 && length === bytes.length ? bytes : bytes.subarray(at, at + length),
        this.#filled,
      )
      this.#filled += length
      at += length
      if (this.#filled === WRITE_BYTES) this.#turnOver()
    }
  }

  /** Appends bytes that the running digest leaves out. */
  putUnhashed(bytes: Uint8Array): void {
    this.#hash()
    const running = this.#runningHash ?? this.#fileHash.copy()
    this.#runningHash = undefined
    this.put(bytes)
    this.#hash()
    this.#runningHash = running
  }

  /** SHA-256 of everything put so far. */
  digestSoFar(): Uint8Array {
    this.#hash()
    return this.#fileHash.copy().digest()
  }

  /** Hands full buffers to the sink, in order. @throws what the sink throws; system errors as {BuildError}. */
  async flush(): Promise<void> {
    const buffers = this.#full
    this.#full = []
    for (const buffer of buffers) {
      await this.#write(buffer)
      if (this.#sink.givesBack && this.#spare.length < MAX_SPARE) this.#spare.push(buffer)
    }
  }

  /** Writes the rest. The output takes no more bytes. */
  async end(): Promise<OutputDigests> {
    this.#hash()
    await this.flush()
    if (this.#filled > 0) await this.#write(this.#buffer.subarray(0, this.#filled))
    const running = (this.#runningHash ?? this.#fileHash.copy()).digest('hex')
    return { running, file: this.#fileHash.digest('hex') }
  }

  #turnOver(): void {
    this.#hash()
    this.#full.push(this.#buffer)
    this.#buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(WRITE_BYTES)
    this.#filled = 0
    this.#hashed = 0
  }

  #hash(): void {
    if (this.#hashed === this.#filled) return
    const fresh = this.#buffer.subarray(this.#hashed, this.#filled)
    this.#fileHash.update(fresh)
    this.#runningHash?.update(fresh)
    this.#hashed = this.#filled
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#signal.throwIfAborted()
    try {
      const written = this.#sink.write(bytes)
      if (written !== undefined) await untilAborted(written, this.#signal)
    } catch (cause) {
      throw sinkFailure(cause)
    }
  }
}

/** Errors of the operating system get a code; what is coded already, or is no error of the system, stays as it is. */
function sinkFailure(cause: unknown): unknown {
  if (!(cause instanceof Error) || isNydusError(cause) || !('syscall' in cause)) return cause
  const code =
    'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT') ? 'ERR_NO_SPACE' : 'ERR_BUILD_IO'
  return new BuildError(code, 'the blob cannot be written', { cause })
}
