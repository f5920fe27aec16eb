// SPDX-License-Identifier: Apache-2.0
/**
 * Synchronous use of the handle inside node:zlib's streams: no allocation per call, no thread hop, no event loop.
 * It is no public interface, so whoever uses it probes it first and has another way.
 */
import type { Transform } from 'node:stream'

/** Bytes taken and made by one call. */
export interface ZlibStep {
  readonly read: number
  readonly written: number
}

/** A stream's handle. */
export interface ZlibHandle {
  /**
   * Processes `input[inputAt, inputEnd)` into `output[outputAt, end)` as far as both go.
   * @param flush a flush constant of node:zlib.
   * @throws {Error} zlib's own error, with its `code`. The handle is of no use afterwards.
   */
  step(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputEnd: number,
    output: Uint8Array,
    outputAt: number,
  ): ZlibStep
  close(): void
}

interface Internals {
  readonly _handle: {
    writeSync(
      flush: number,
      input: Uint8Array,
      from: number,
      length: number,
      output: Uint8Array,
      to: number,
      room: number,
    ): void
  }
  /** Output room and input bytes left after a call. */
  readonly _writeState: Uint32Array
}

/** Takes over a stream of node:zlib; undefined when its insides do not look as expected. */
export function openZlibHandle(stream: Transform): ZlibHandle | undefined {
  const { _handle: handle, _writeState: state } = stream as Transform & Partial<Internals>
  if (typeof handle?.writeSync !== 'function' || !(state instanceof Uint32Array)) return undefined
  // The error is thrown by `step`; without a listener it would end the process as well.
  stream.on('error', () => undefined)
  return {
    step(flush, input, inputAt, inputEnd, output, outputAt) {
      const length = inputEnd - inputAt
      const room = output.length - outputAt
      handle.writeSync(flush, input, inputAt, length, output, outputAt, room)
      if (stream.errored) throw stream.errored
      const [roomLeft = room, inputLeft = length] = state
      return { read: length - inputLeft, written: room - roomLeft }
    },
    close: () => void stream.destroy(),
  }
}
