// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { DiskWriter } from '../../src/export/disk-writer.ts'
import { VerityBuilder } from '../../src/export/verity-tree.ts'
import { memoryDisk } from '../memory-disk.ts'

const BLOCK = 512

/** Pieces at places, as one disk: through the writer, and the plain way. */
async function write(size: number, pieces: readonly (readonly [offset: number, length: number])[]) {
  const sink = memoryDisk()
  await sink.setSize(size)
  const pages = memoryDisk()
  const verity = new VerityBuilder(size / BLOCK, 0, 'zeros', (page, at) => pages.writeAt(page, at))
  const writer = new DiskWriter(sink, BLOCK, verity)
  const plain = new Uint8Array(size)
  for (const [offset, length] of pieces) {
    const bytes = new Uint8Array(length).map((_, i) => (i * 7 + offset) % 251)
    plain.set(bytes, offset)
    await writer.skipTo(offset)
    await writer.write(bytes)
    expect(writer.position).toBe(offset + length)
  }
  await writer.skipTo(size)
  await writer.finish()
  return { sink, plain, root: (await verity.finish()).rootDigest }
}

describe('DiskWriter', () => {
  test.each([
    [
      'small gaps',
      [
        [0, 100],
        [612, 300],
        [5000, 3000],
      ],
    ],
    [
      'a hole',
      [
        [0, 100],
        [1 << 20, 5000],
      ],
    ],
    [
      'a hole that starts and ends inside blocks',
      [
        [10, 700],
        [400_001, 17],
      ],
    ],
    ['pieces larger than a write', [[4096, 3 << 20]]],
    ['nothing', []],
  ] as const)('%s', async (_what, pieces) => {
    const size = 4 << 20
    const { sink, plain, root } = await write(size, pieces)
    expect(Buffer.from(sink.bytes()).equals(plain)).toBe(true)
    const whole = await write(size, [])
    expect(root === whole.root).toBe(plain.every((byte) => byte === 0))
    // The digests are those of the bytes, whether they were written or left out.
    const again = memoryDisk()
    const verity = new VerityBuilder(size / BLOCK, 0, 'zeros', (page, at) => again.writeAt(page, at))
    const writer = new DiskWriter(memoryDisk(), BLOCK, verity)
    await writer.write(plain)
    await writer.finish()
    expect((await verity.finish()).rootDigest).toBe(root)
  })

  test('holes cost no writes', async () => {
    const { sink } = await write(64 << 20, [
      [0, BLOCK],
      [63 << 20, BLOCK],
    ])
    expect(sink.writes).toBe(2)
  })
})
