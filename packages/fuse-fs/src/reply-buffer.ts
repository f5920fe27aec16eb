// SPDX-License-Identifier: Apache-2.0
/** The one buffer of a worker in which replies are put together, so that answering allocates nothing. */
import { MAX_READ_BYTES } from './protocol/init.ts'
import { FuseOutHeader } from './protocol/structs.ts'

/** Bytes before the payload of a reply. */
export const REPLY_HEADER_BYTES = FuseOutHeader.size
/** Room for the largest READ or READDIR answer: 1 MiB and one page. */
export const MAX_PAYLOAD_BYTES = MAX_READ_BYTES + 4096
const TWO_POW_32 = 0x1_0000_0000

/** A reply under construction; valid until the next request of the same worker. */
export interface ReplyBuffer {
  /** Header and payload. */
  readonly bytes: Uint8Array
  /** Over all of `bytes`. */
  readonly view: DataView
  /** `bytes` without the header. */
  readonly payload: Uint8Array
}

/** A buffer for replies of up to `payloadBytes` bytes after the header. */
export function createReplyBuffer(payloadBytes = MAX_PAYLOAD_BYTES): ReplyBuffer {
  const bytes = new Uint8Array(REPLY_HEADER_BYTES + payloadBytes)
  return { bytes, view: new DataView(bytes.buffer), payload: bytes.subarray(REPLY_HEADER_BYTES) }
}

/**
 * Writes the header.
 * @param result bytes of payload, or −errno.
 * @param uniqueLow, uniqueHigh the two halves of the request's id, copied bit by bit.
 * @returns bytes of the whole reply.
 */
export function finishReply(
  reply: ReplyBuffer,
  result: number,
  uniqueLow: number,
  uniqueHigh: number,
): number {
  const length = REPLY_HEADER_BYTES + Math.max(result, 0)
  const { offsets } = FuseOutHeader
  reply.view.setUint32(offsets.length, length, true)
  reply.view.setInt32(offsets.error, Math.min(result, 0), true)
  reply.view.setUint32(offsets.unique, uniqueLow, true)
  reply.view.setUint32(offsets.unique + 4, uniqueHigh, true)
  return length
}

/** Writes an integer between −2^53 and 2^53 as 64 bits of two's complement. */
export function putInteger64(view: DataView, offset: number, value: number): void {
  const high = Math.floor(value / TWO_POW_32)
  view.setUint32(offset, value - high * TWO_POW_32, true)
  view.setInt32(offset + 4, high, true)
}

/** Reads an unsigned 64-bit integer that is known to be below 2^53, as nodeids, offsets and cookies are. */
export function getInteger64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * TWO_POW_32 + view.getUint32(offset, true)
}
