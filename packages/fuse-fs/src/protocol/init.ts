// SPDX-License-Identifier: Apache-2.0
/** The first exchange with the kernel: what both sides can do. */
import { FuseError } from '../fuse-error.ts'
import {
  INIT_FLAGS,
  OPCODE,
  opcodeName,
  PROTOCOL_MAJOR,
  PROTOCOL_MINOR,
  PROTOCOL_MINOR_OLDEST,
} from './opcodes.ts'
import { FuseInHeader, FuseInitIn, FuseInitOut, FuseOutHeader, INIT_IN_SHORT_BYTES } from './structs.ts'

/** Largest READ that the kernel is allowed to send, bytes. */
export const MAX_READ_BYTES = 0x10_0000
const PAGE_BYTES = 4096
/** Readahead requests that may be in flight before the kernel holds back. */
const MAX_BACKGROUND = 64
const CONGESTION_THRESHOLD = 48

const WANTED_FLAGS =
  INIT_FLAGS.ASYNC_READ |
  INIT_FLAGS.EXPORT_SUPPORT |
  INIT_FLAGS.DO_READDIRPLUS |
  INIT_FLAGS.READDIRPLUS_AUTO |
  INIT_FLAGS.NO_OPEN_SUPPORT |
  INIT_FLAGS.PARALLEL_DIROPS |
  INIT_FLAGS.ABORT_ERROR |
  INIT_FLAGS.MAX_PAGES |
  INIT_FLAGS.CACHE_SYMLINKS |
  INIT_FLAGS.NO_OPENDIR_SUPPORT |
  INIT_FLAGS.INIT_EXT |
  INIT_FLAGS.HAS_RESEND

/** Opening is left to the kernel; one that insists on asking cannot be served. */
const NEEDED_FLAGS = INIT_FLAGS.NO_OPEN_SUPPORT | INIT_FLAGS.NO_OPENDIR_SUPPORT

/** What was agreed with the kernel. */
export interface Negotiation {
  /** The kernel's version; the lower of both minors is what is spoken. */
  readonly major: number
  readonly minor: number
  /** INIT_FLAGS that both sides have. */
  readonly flags: bigint
  /** Bytes that the kernel reads ahead of a sequential reader. */
  readonly maxReadahead: number
}

/**
 * Answers an INIT request.
 * @param request the whole request, header included.
 * @returns what was agreed, and the reply to write.
 * @throws {FuseError} ERR_FUSE_PROTOCOL when the request is not INIT, is cut, or comes from a kernel older than 7.31.
 */
export function negotiate(request: Uint8Array): { negotiation: Negotiation; reply: Uint8Array } {
  const { opcode, unique } = FuseInHeader.view(request)
  if (opcode !== OPCODE.INIT || request.length < FuseInHeader.size + INIT_IN_SHORT_BYTES) {
    throw new FuseError(
      'ERR_FUSE_PROTOCOL',
      `expected INIT as the first request, found ${opcodeName(opcode)} of ${request.length} bytes`,
      { details: { opcode, length: request.length } },
    )
  }
  const argument = new Uint8Array(FuseInitIn.size)
  argument.set(request.subarray(FuseInHeader.size, FuseInHeader.size + FuseInitIn.size))
  const init = FuseInitIn.view(argument)
  checkVersion(init.major, init.minor)

  const offered =
    BigInt(init.flags) | ((BigInt(init.flags) & INIT_FLAGS.INIT_EXT) === 0n ? 0n : BigInt(init.flags2) << 32n)
  const flags = offered & WANTED_FLAGS
  if ((flags & NEEDED_FLAGS) !== NEEDED_FLAGS) throw tooOld(init.major, init.minor)
  const negotiation = { major: init.major, minor: init.minor, flags, maxReadahead: init.maxReadahead }
  return { negotiation, reply: encodeInitReply(unique, negotiation) }
}

function checkVersion(major: number, minor: number): void {
  if (major !== PROTOCOL_MAJOR || minor < PROTOCOL_MINOR_OLDEST) throw tooOld(major, minor)
}

function tooOld(major: number, minor: number): FuseError {
  return new FuseError(
    'ERR_FUSE_PROTOCOL',
    `the kernel speaks FUSE ${major}.${minor}, ${PROTOCOL_MAJOR}.${PROTOCOL_MINOR_OLDEST} or newer is needed`,
    { details: { major, minor }, hint: 'use Linux 5.4 or newer' },
  )
}

function encodeInitReply(unique: bigint, negotiation: Negotiation): Uint8Array {
  const reply = new Uint8Array(FuseOutHeader.size + FuseInitOut.size)
  FuseOutHeader.encodeInto(reply, 0, { length: reply.length, error: 0, unique })
  FuseInitOut.encodeInto(reply, FuseOutHeader.size, {
    major: PROTOCOL_MAJOR,
    minor: PROTOCOL_MINOR,
    maxReadahead: negotiation.maxReadahead,
    flags: Number(negotiation.flags & 0xffff_ffffn),
    flags2: Number(negotiation.flags >> 32n),
    maxBackground: MAX_BACKGROUND,
    congestionThreshold: CONGESTION_THRESHOLD,
    maxWrite: PAGE_BYTES,
    timeGran: 1,
    maxPages: MAX_READ_BYTES / PAGE_BYTES,
  })
  return reply
}
