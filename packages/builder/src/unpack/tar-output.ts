// SPDX-License-Identifier: Apache-2.0
/** Puts small pieces together, so that a tar of a million empty files is not a million writes. */
import type { BlobSink } from '../layer/build-options.ts'

const BUFFER_BYTES = 256 * 1024

/** A sink for pieces of any size; call `flush` after the last. */
export class TarOutput {
  readonly #sink: BlobSink
  #buffer = new Uint8Array(BUFFER_BYTES)
  #used = 0
  #size = 0

  constructor(sink: BlobSink) {
    this.#sink = sink
  }

  /** Bytes written or waiting. */
  get size(): number {
    return this.#size
  }

  /** @param bytes belong to the sink from now on. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length
    if (this.#used + bytes.length > BUFFER_BYTES) await this.flush()
    if (bytes.length > BUFFER_BYTES) return this.#sink.write(bytes)
    this.#buffer.set(bytes, this.#used)
    this.#used += bytes.length
  }

  /** Passes on what waits. */
  async flush(): Promise<void> {
    if (this.#used === 0) return
    const bytes = this.#buffer.subarray(0, this.#used)
    this.#used = 0
    await this.#sink.write(bytes)
    if (this.#sink.givesBack !== true) this.#buffer = new Uint8Array(BUFFER_BYTES)
  }
}
