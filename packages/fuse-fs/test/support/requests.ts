// SPDX-License-Identifier: Apache-2.0
/** Requests as the kernel sends them, for tests without a kernel. */
import { createRequestBuffer, handleRequest, type RequestTarget } from '../../src/dispatch.ts'
import { OPCODE } from '../../src/protocol/opcodes.ts'
import { FuseGetxattrIn, FuseInHeader, FuseReadIn } from '../../src/protocol/structs.ts'
import { createReplyBuffer, type ReplyBuffer } from '../../src/reply-buffer.ts'

/** An answer: its result and a copy of its payload. */
export interface Answer {
  /** Bytes of payload, or −errno. */
  readonly result: number
  readonly payload: Uint8Array
}

const reply: ReplyBuffer = createReplyBuffer()

/** Sends a request with `argument` behind the header. */
export function ask(
  target: RequestTarget,
  opcode: number,
  nodeid: number,
  ...argument: readonly Uint8Array[]
): Answer {
  const request = createRequestBuffer()
  const body = Buffer.concat(argument)
  const length = FuseInHeader.size + body.length
  FuseInHeader.encodeInto(request.bytes, 0, { length, opcode, nodeid, unique: 99n })
  request.bytes.set(body, FuseInHeader.size)
  const result = handleRequest(request, length, target, reply)
  return { result, payload: reply.payload.slice(0, Math.max(result, 0)) }
}

/** A NUL-terminated name. */
export function name(text: string | Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(text), Buffer.from([0])])
}

/** Argument of READ, READDIR and READDIRPLUS. */
export function range(offset: number, size: number): Uint8Array {
  return FuseReadIn.encode({ offset, size })
}

/** Sends GETXATTR, or LISTXATTR without a name. */
export function askXattr(target: RequestTarget, nodeid: number, size: number, attribute?: string): Answer {
  const head = FuseGetxattrIn.encode({ size })
  if (attribute === undefined) return ask(target, OPCODE.LISTXATTR, nodeid, head)
  return ask(target, OPCODE.GETXATTR, nodeid, head, name(attribute))
}
