// SPDX-License-Identifier: Apache-2.0
/** Appends to a disk image in large writes, leaves holes where it can, and digests every block for the verity tree. */
import { hash } from 'node:crypto'
import type { DiskSink } from './disk-sink.ts'
import type { VerityBuilder } from './verity-tree.ts'

/** Bytes of one write. */
const WRITE_BYTES = 1 << 20
/** Smaller gaps are written as zeros, which costs less than another write. */
const MIN_HOLE_BYTES = 1 << 16

/** Goes once over the disk from its start to its end. */
export class DiskWriter {
  readonly #sink: DiskSink
  readonly #blockSize: number
  readonly #verity: VerityBuilder | undefined
  readonly #zeroDigest: Uint8Array
  #buffer = new Uint8Array(WRITE_BYTES)
  /** Bytes in the buffer and where it starts on the disk, a multiple of the block size. */
  #filled = 0
  #start = 0

  /** @param blockSize bytes of a data block, a divisor of 1 MiB. */
  constructor(sink: DiskSink, blockSize: number, verity?: VerityBuilder) {
    this.#sink = sink
    this.#blockSize = blockSize
    this.#verity = verity
    this.#zeroDigest = hash('sha256', new Uint8Array(blockSize), 'buffer')
  }

  /** Bytes from the start of the disk. */
  get position(): number {
    return this.#start + this.#filled
  }

  /** Appends a copy of `bytes`. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(bytes.length - at, WRITE_BYTES - this.#filled)
      this.#buffer.set(bytes.subarray(at, at + length), this.#filled)
      this.#filled += length
      at += length
      if (this.#filled === WRITE_BYTES) await this.#flush()
    }
  }

  /** Appends zeros up to `position`, bytes from the start of the disk. */
  async skipTo(position: number): Promise<void> {
    if (position - this.position < MIN_HOLE_BYTES) return this.#writeZeros(position - this.position)
    // Blocks are digested whole, so the hole starts and ends at block borders.
    const tail = this.#filled % this.#blockSize
    if (tail > 0) await this.#writeZeros(this.#blockSize - tail)
    await this.#flush()
    const blocks = Math.floor((position - this.#start) / this.#blockSize)
    for (let i = 0; i < blocks; i++) await this.#verity?.add(this.#zeroDigest)
    this.#start += blocks * this.#blockSize
    await this.#writeZeros(position - this.position)
  }

  /** Writes what is left; the position must be a multiple of the block size. */
  finish(): Promise<void> {
    return this.#flush()
  }

  #writeZeros(length: number): Promise<void> {
    return this.write(new Uint8Array(length))
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return
    const bytes = this.#buffer.subarray(0, this.#filled)
    await this.#sink.writeAt(bytes, this.#start)
    for (let at = 0; this.#verity !== undefined && at < bytes.length; at += this.#blockSize) {
      const full = this.#verity.add(hash('sha256', bytes.subarray(at, at + this.#blockSize), 'buffer'))
      if (full !== undefined) await full
    }
    this.#start += this.#filled
    this.#filled = 0
  }
}
