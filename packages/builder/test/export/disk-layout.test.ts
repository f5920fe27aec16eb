// SPDX-License-Identifier: Apache-2.0
import { decodeDeviceSlots, openBootstrap } from '@nydus/rafs-format'
import { DEVICE_TABLE_OFFSET, DeviceSlot } from '@nydus/rafs-format/layout'
import { describe, expect, test } from 'vitest'
import { planDisk } from '../../src/export/disk-layout.ts'
import { fixtureOf, readOutput } from '../fixture-store.ts'

/** The chain's bootstrap with other mapped addresses. */
function withMapped(map: (address: number, index: number) => number) {
  const bytes = Uint8Array.from(readOutput(fixtureOf('layers-chain2-v6'), 'bootstrap'))
  const slots = decodeDeviceSlots(bytes, 3).map((slot, i) => ({
    ...slot,
    mappedBlockAddr: map(slot.mappedBlockAddr, i),
  }))
  bytes.set(DeviceSlot.encodeTable(slots), DEVICE_TABLE_OFFSET)
  return openBootstrap(bytes)
}

describe('planDisk', () => {
  test('takes the places of the device table', () => {
    const { blobs, size, bootstrap } = planDisk(withMapped((address) => address))
    expect(blobs.map(({ offset }) => offset % 0x8_0000)).toEqual([0, 0, 0])
    expect(size).toBe((blobs[2]?.offset ?? 0) + (blobs[2]?.size ?? 0))
    expect(bootstrap).toEqual(readOutput(fixtureOf('layers-chain2-v6'), 'bootstrap'))
  })

  test('gives places to images of builders that had none', () => {
    const old = withMapped(() => 0)
    const { blobs, bootstrap } = planDisk(old)
    expect(blobs).toEqual(planDisk(withMapped((address) => address)).blobs)
    expect(bootstrap).toEqual(readOutput(fixtureOf('layers-chain2-v6'), 'bootstrap'))
    expect(decodeDeviceSlots(old.bytes, 3)[0]?.mappedBlockAddr).toBe(0)
  })

  test.each([
    ['the bootstrap', (address: number, i: number) => (i === 0 ? 1 : address)],
    ['another blob', (address: number, i: number) => (i === 2 ? address - 0x100 : address)],
  ])('refuses a blob that overlaps %s', (_what, map) => {
    expect(() => planDisk(withMapped(map))).toThrow(expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }))
  })

  test('refuses RAFS v5', () => {
    const v5 = openBootstrap(readOutput(fixtureOf('layers-chain2-v5'), 'bootstrap'))
    expect(() => planDisk(v5)).toThrow(expect.objectContaining({ code: 'ERR_FORMAT_UNSUPPORTED_VERSION' }))
  })
})
