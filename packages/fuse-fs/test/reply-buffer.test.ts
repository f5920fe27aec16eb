// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { FuseOutHeader } from '../src/protocol/structs.ts'
import { createReplyBuffer, finishReply, getInteger64, putInteger64 } from '../src/reply-buffer.ts'

describe('finishReply', () => {
  it('writes length and id of a reply with payload', () => {
    const reply = createReplyBuffer(100)
    expect(finishReply(reply, 24, 0xffff_ffff, 0x8000_0001)).toBe(40)
    expect(FuseOutHeader.decode(reply.bytes)).toEqual({
      length: 40,
      error: 0,
      unique: 0x8000_0001_ffff_ffffn,
    })
  })

  it('writes an errno as a negative number', () => {
    const reply = createReplyBuffer(0)
    expect(finishReply(reply, -2, 7, 0)).toBe(16)
    expect(reply.view.getInt32(4, true)).toBe(-2)
  })
})

describe('putInteger64', () => {
  it('agrees with 64-bit two’s complement', () => {
    const view = new DataView(new ArrayBuffer(8))
    for (const value of [
      0,
      1,
      -1,
      2 ** 32,
      -(2 ** 32),
      2 ** 32 - 1,
      -(2 ** 31) - 1,
      2 ** 53 - 1,
      -(2 ** 53) + 1,
    ]) {
      putInteger64(view, 0, value)
      expect(view.getBigInt64(0, true)).toBe(BigInt(value))
      if (value >= 0) expect(getInteger64(view, 0)).toBe(value)
    }
  })
})
