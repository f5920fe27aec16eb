// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { createBlobViews } from '../../src/blob-views.ts'
import { createDeviceTable } from '../../src/devices/device-table.ts'
import { readDevice } from '../../src/devices/read-device.ts'
import { MISS } from '../../src/read-ready.ts'
import { createReplyBuffer } from '../../src/reply-buffer.ts'

const BLOB = 7
const BYTES = 8
const out = createReplyBuffer()

/** A device of 12 KiB over a blob of 9000 bytes with chunks at 0 (100 bytes) and 4096 (4904 bytes); bytes are 0x11. */
function createSource(readyBits: number, options: { short?: boolean } = {}) {
  const devices = createDeviceTable()
  devices.add({ nodeid: BLOB, size: 12_288, content: undefined, readableBytes: 12_288 })
  const content = Uint8Array.from({ length: 5000 }, (_, index) => index & 0xff)
  devices.add({ nodeid: BYTES, size: 8192, content, readableBytes: 4096 })
  const views = createBlobViews()
  const reads: { offset: number; length: number }[] = []
  views.add(BLOB, {
    blobIndex: 0,
    fd: 9,
    uncompressedSize: 9000,
    chunkStarts: Float64Array.of(0, 4096),
    chunkSizes: Uint32Array.of(100, 4904),
    readyBits: Uint8Array.of(readyBits),
  })
  const readAt = (_fd: number, buffer: Uint8Array, length: number, offset: number): number => {
    reads.push({ offset, length })
    buffer.fill(0x11, 0, length)
    return options.short === true ? length - 1 : length
  }
  return { devices, views, readAt, reads }
}

describe('readDevice', () => {
  it('reads the decoded file at the same offset, and zeros behind the end of the blob', () => {
    const source = createSource(0b1100_0000)
    expect(readDevice(source, { nid: BLOB, offset: 8192, size: 4096 }, out)).toBe(4096)
    expect(source.reads).toEqual([{ offset: 8192, length: 808 }])
    expect(out.payload.subarray(0, 808).every((byte) => byte === 0x11)).toBe(true)
    expect(out.payload.subarray(808, 4096).every((byte) => byte === 0)).toBe(true)
  })

  it('ends where the device ends', () => {
    const source = createSource(0b1100_0000)
    expect(readDevice(source, { nid: BLOB, offset: 8192, size: 100_000 }, out)).toBe(4096)
    expect(readDevice(source, { nid: BLOB, offset: 12_288, size: 4096 }, out)).toBe(0)
    expect(readDevice(source, { nid: BLOB, offset: 99_999, size: 4096 }, out)).toBe(0)
  })

  it('needs every chunk that the range touches, but none for a gap', () => {
    const source = createSource(0b1000_0000)
    expect(readDevice(source, { nid: BLOB, offset: 0, size: 4096 }, out)).toBe(4096)
    expect(readDevice(source, { nid: BLOB, offset: 200, size: 3000 }, out)).toBe(3000)
    expect(readDevice(source, { nid: BLOB, offset: 0, size: 4097 }, out)).toBe(MISS)
    expect(readDevice(source, { nid: BLOB, offset: 8999, size: 1 }, out)).toBe(MISS)
  })

  it('is a miss while the blob is not open, and for a file that is shorter than its map says', () => {
    const source = createSource(0b1100_0000, { short: true })
    expect(readDevice(source, { nid: BLOB, offset: 0, size: 4096 }, out)).toBe(MISS)
    source.views.remove(BLOB)
    expect(readDevice(source, { nid: BLOB, offset: 0, size: 4096 }, out)).toBe(MISS)
  })

  it('shows fixed bytes, zeros behind them, and EIO where they must not be read', () => {
    const source = createSource(0)
    expect(readDevice(source, { nid: BYTES, offset: 4, size: 4 }, out)).toBe(4)
    expect([...out.payload.subarray(0, 4)]).toEqual([4, 5, 6, 7])
    expect(readDevice(source, { nid: BYTES, offset: 4000, size: 200 }, out)).toBe(-constants.errno.EIO)
  })

  it('says ENOENT for a device that is gone', () => {
    const source = createSource(0)
    source.devices.remove(BYTES)
    expect(readDevice(source, { nid: BYTES, offset: 0, size: 1 }, out)).toBe(-constants.errno.ENOENT)
  })
})
