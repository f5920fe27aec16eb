// SPDX-License-Identifier: Apache-2.0
// Whatever is damaged: the answer is a FormatError or a walk that ends, never a crash of ours and never a hang.
import { isNydusError } from '@nydus/base/error'
import { describe, expect, it } from 'vitest'
import {
  blobChunks,
  dumpBootstrap,
  fileExtents,
  lookupEntry,
  openBootstrap,
  readFileChunks,
  readSymlink,
  readXattrs,
  validateBootstrap,
  walkTree,
} from '../../src/index.ts'
import { output } from '../golden.ts'
import { toEra100 } from './derive-era.ts'

const NAME = Buffer.from('copy')
/** Each of the 7 nodes and each of their chunks a few times at most. */
const MAX_STEPS = 1000

/** Reads everything there is; returns how many entries and chunks that were. */
function readAll(bytes: Uint8Array): number {
  const bootstrap = openBootstrap(bytes)
  let steps = 0
  for (const { inode } of walkTree(bootstrap)) {
    steps++
    readXattrs(bootstrap, inode.nid)
    const type = inode.mode & 0xf000
    if (type === 0xa000) readSymlink(bootstrap, inode.nid)
    if (type === 0x4000) lookupEntry(bootstrap, inode.nid, NAME)
    if (type !== 0x8000) continue
    steps += readFileChunks(bootstrap, inode.nid).length
    steps += fileExtents(bootstrap, inode.nid, 0, inode.size).length
  }
  bootstrap.prefetchNids()
  for (const { blobIndex } of bootstrap.blobs) {
    const chunks = blobChunks(bootstrap, blobIndex)
    chunks.find(blobIndex, 0)
    chunks.findOffset(0)
    for (const chunk of chunks) steps += chunk.digest.length / 32
  }
  return steps
}

/** Runs `read`; anything but success or one of our coded errors fails the test. */
function survives(read: () => unknown, what: string): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (isNydusError(error)) return false
    throw new Error(`${what}: ${error}`, { cause: error })
  }
}

/** Everything but the reserved bytes of the superblock. */
function usedOffsets(bytes: Uint8Array): number[] {
  return Array.from(bytes, (_, at) => at).filter((at) => at < 80 || at >= 8192)
}

describe.each([
  ['tiny-tar-v5', output('tiny-tar-v5', 'bootstrap')],
  ['quirk-two-xattrs-tar-v5', output('quirk-two-xattrs-tar-v5', 'bootstrap')],
  ['tiny-tar-v5 of v1.0.0', toEra100(output('tiny-tar-v5', 'bootstrap'))],
])('a damaged v5 bootstrap, %s', (_, original) => {
  it('with any bit flipped', () => {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    const bytes = original.slice()
    let refused = 0
    let read = 0
    try {
      for (const at of usedOffsets(bytes)) {
        const before = bytes[at] as number
        for (let bit = 0; bit < 8; bit++) {
          bytes[at] = before ^ (1 << bit)
          const what = `bit ${bit} of byte 0x${at.toString(16)}`
          if (survives(() => expect(readAll(bytes)).toBeLessThan(MAX_STEPS), what)) read++
          else refused++
        }
        bytes[at] = before
      }
    } finally {
      Error.stackTraceLimit = limit
    }
    expect(refused).toBeGreaterThan(800)
    expect(read).toBeGreaterThan(1000)
  })

  it('cut at any byte', () => {
    const whole = readAll(original)
    for (let length = 0; length < original.length; length++) {
      expect(survives(() => readAll(original.subarray(0, length)), `${length} bytes`)).toBe(false)
      // The same with zeros up to the next multiple of 8, which the size check cannot see.
      const padded = original.slice(0, Math.ceil(length / 8) * 8).fill(0, length)
      if (survives(() => expect(readAll(padded)).toBeLessThanOrEqual(whole), `${length} bytes`)) {
        expect(length).toBeGreaterThan(original.length - 8)
      }
    }
  })

  it('with any byte changed to 0xff is checked and dumped without an exception of ours', () => {
    const bytes = original.slice()
    expect(validateBootstrap(bytes)).toEqual([])
    let reported = 0
    for (const at of usedOffsets(bytes)) {
      const before = bytes[at] as number
      bytes[at] = 0xff
      if (validateBootstrap(bytes).length > 0) reported++
      survives(() => [...dumpBootstrap(openBootstrap(bytes))], `byte 0x${at.toString(16)}`)
      bytes[at] = before
    }
    expect(reported).toBeGreaterThan(200)
  })

  it('with every part of its tables pointing anywhere', () => {
    const values = [0, 1, 8, 4095, 8192, 8200, 0x7fff_ffff, 0xffff_ffff]
    for (let at = 0; at < original.length; at += at === 76 ? 8116 : 4) {
      for (const value of values) {
        const bytes = original.slice()
        new DataView(bytes.buffer).setUint32(at, value, true)
        survives(() => expect(readAll(bytes)).toBeLessThan(MAX_STEPS), `0x${at.toString(16)}=${value}`)
      }
    }
  })
})
