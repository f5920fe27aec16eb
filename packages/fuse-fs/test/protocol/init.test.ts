// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { MAX_READ_BYTES, negotiate } from '../../src/protocol/init.ts'
import { INIT_FLAGS, OPCODE } from '../../src/protocol/opcodes.ts'
import { FuseInHeader, FuseInitIn, FuseInitOut, FuseOutHeader } from '../../src/protocol/structs.ts'

const NEEDED = INIT_FLAGS.NO_OPEN_SUPPORT | INIT_FLAGS.NO_OPENDIR_SUPPORT

/** An INIT request as Linux 6.18 sends it, with every flag offered. */
function initRequest(
  changes: { opcode?: number; major?: number; minor?: number; flags?: number } = {},
): Uint8Array {
  const { opcode = OPCODE.INIT, major = 7, minor = 45, flags = 0xffff_ffff } = changes
  const request = new Uint8Array(FuseInHeader.size + FuseInitIn.size)
  FuseInHeader.encodeInto(request, 0, { length: request.length, opcode, unique: 2n })
  FuseInitIn.encodeInto(request, FuseInHeader.size, {
    major,
    minor,
    maxReadahead: 131_072,
    flags,
    flags2: 0xffff_ffff,
  })
  return request
}

describe('negotiate', () => {
  it('answers with what it wants of what the kernel offers', () => {
    const { negotiation, reply } = negotiate(initRequest())
    expect(FuseOutHeader.decode(reply)).toEqual({ length: 80, error: 0, unique: 2n })
    const answer = FuseInitOut.decode(reply, FuseOutHeader.size)
    expect(answer).toMatchObject({ major: 7, maxReadahead: 131_072, timeGran: 1, maxWrite: 4096 })
    expect(answer.maxPages * 4096).toBe(MAX_READ_BYTES)
    const flags = BigInt(answer.flags) | (BigInt(answer.flags2) << 32n)
    expect(flags).toBe(negotiation.flags)
    for (const flag of ['NO_OPEN_SUPPORT', 'PARALLEL_DIROPS', 'CACHE_SYMLINKS', 'HAS_RESEND'] as const) {
      expect(flags & INIT_FLAGS[flag], flag).toBe(INIT_FLAGS[flag])
    }
  })

  it('never takes a flag that is not offered', () => {
    const offered = NEEDED | INIT_FLAGS.ASYNC_READ | 2n
    expect(negotiate(initRequest({ flags: Number(offered) })).negotiation.flags).toBe(offered & ~2n)
  })

  it('understands the short form of kernels before 7.36', () => {
    const { negotiation } = negotiate(
      initRequest({ minor: 31, flags: 0x3fff_ffff }).subarray(0, FuseInHeader.size + 16),
    )
    expect(negotiation.flags & INIT_FLAGS.HAS_RESEND).toBe(0n)
    expect(negotiation.flags & INIT_FLAGS.MAX_PAGES).toBe(INIT_FLAGS.MAX_PAGES)
  })

  const refused = [
    ['an old kernel', initRequest({ minor: 30 })],
    ['a kernel that insists on OPEN', initRequest({ flags: Number(INIT_FLAGS.NO_OPENDIR_SUPPORT) })],
    ['another major version', initRequest({ major: 8 })],
    ['another request', initRequest({ opcode: OPCODE.GETATTR })],
    ['a cut request', initRequest().subarray(0, FuseInHeader.size + 15)],
  ] as const
  for (const [what, request] of refused) {
    it(`refuses ${what}`, () => {
      expect(() => negotiate(request)).toThrow(expect.objectContaining({ code: 'ERR_FUSE_PROTOCOL' }))
    })
  }
})
