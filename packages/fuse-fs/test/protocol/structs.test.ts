// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  FuseAttr,
  FuseAttrOut,
  FuseDirent,
  FuseEntryOut,
  FuseGetxattrIn,
  FuseGetxattrOut,
  FuseInHeader,
  FuseInitIn,
  FuseInitOut,
  FuseOutHeader,
  FuseReadIn,
  FuseStatfsOut,
} from '../../src/protocol/structs.ts'

/** sizeof() of the kernel's structs on 64-bit Linux. Source: `include/uapi/linux/fuse.h`. */
const SIZES = [
  [FuseInHeader, 40],
  [FuseOutHeader, 16],
  [FuseAttr, 88],
  [FuseEntryOut, 128 - 88],
  [FuseAttrOut, 104 - 88],
  [FuseInitIn, 64],
  [FuseInitOut, 64],
  [FuseReadIn, 40],
  [FuseDirent, 24],
  [FuseGetxattrIn, 8],
  [FuseGetxattrOut, 8],
  [FuseStatfsOut, 80],
] as const

describe('FUSE records', () => {
  it('have the sizes of the kernel', () => {
    for (const [record, size] of SIZES) expect(record.size, record.name).toBe(size)
  })

  it('puts members where the kernel has them', () => {
    expect(FuseInHeader.offsets.pid).toBe(32)
    expect(FuseAttr.offsets.mode).toBe(60)
    expect(FuseAttr.offsets.blksize).toBe(80)
    expect(FuseInitOut.offsets.maxPages).toBe(28)
    expect(FuseInitOut.offsets.flags2).toBe(32)
    expect(FuseStatfsOut.offsets.nameLength).toBe(44)
  })
})
