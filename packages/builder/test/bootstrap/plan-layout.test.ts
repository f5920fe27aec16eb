// SPDX-License-Identifier: Apache-2.0
/** Properties that every plan must have, on random trees. */
import { alignUp } from '@nydus/base/binary'
import { FILE_TYPE } from '@nydus/rafs-format'
import { EROFS_SLOT_BYTES } from '@nydus/rafs-format/layout'
import { describe, expect, it } from 'vitest'
import { inodeSize, type LayoutPlan, planLayout } from '../../src/bootstrap/plan-layout.ts'
import { isRegular, isSymlink } from '../../src/tree/node.ts'
import { randomTree } from '../random-tree.ts'
import { directory, emptyFile, symlink } from '../tree-builder.ts'

interface Extent {
  readonly start: number
  readonly end: number
  readonly what: string
}

/** Everything that the plan places. */
function extentsOf(plan: LayoutPlan, blockSize: number): Extent[] {
  const sizes = new Map(plan.directories.map(({ number, size }) => [number, size]))
  return plan.nodes.flatMap((node, number): Extent[] => {
    if (node.ino !== number + 1) return []
    const start = plan.inodeOffsets[number] as number
    const size = inodeSize(node)
    if (isRegular(node))
      return [{ start, end: start + alignUp(size, 8) + 8 * node.chunkCount, what: `file ${number}` }]
    if (node.children === undefined && !isSymlink(node))
      return [{ start, end: start + size, what: `special ${number}` }]
    const dataSize = sizes.get(number) ?? node.size
    const inline = plan.inline[number] === 1
    const tail = inline ? dataSize % blockSize : 0
    const dataStart = plan.dataOffsets[number] as number
    const extents = [{ start, end: start + size + tail, what: `inode ${number}` }]
    if (dataSize > tail)
      extents.push({ start: dataStart, end: dataStart + dataSize - tail, what: `data ${number}` })
    return extents
  })
}

describe.each([4096, 512])('planLayout with blocks of %i bytes', (blockSize) => {
  it.each(Array.from({ length: 25 }, (_, seed) => seed))('random tree %i', (seed) => {
    const { root } = randomTree(seed)
    const plan = planLayout(root, blockSize)
    const extents = extentsOf(plan, blockSize).sort((a, b) => a.start - b.start)
    let end = 4096
    for (const extent of extents) {
      expect(extent.start, `${extent.what} overlaps`).toBeGreaterThanOrEqual(end)
      end = extent.end
    }
    expect(plan.end).toBe(alignUp(plan.end, 4096))
    expect(plan.end).toBeGreaterThanOrEqual(end)
    expect(plan.end - end).toBeLessThan(2 * 4096)
    for (const [number, node] of plan.nodes.entries()) {
      const offset = plan.inodeOffsets[number] as number
      expect(offset % EROFS_SLOT_BYTES).toBe(0)
      if (node.children === undefined && !isSymlink(node)) continue
      const size = plan.directories.find((each) => each.number === number)?.size ?? node.size
      if (!plan.inline[number]) {
        expect((plan.dataOffsets[number] as number) % blockSize).toBe(0)
        continue
      }
      const inlineEnd = offset + inodeSize(node) + (size % blockSize)
      expect(Math.floor(offset / blockSize), 'inline data crosses a block').toBe(
        Math.floor((inlineEnd - 1) / blockSize),
      )
    }
  })
})

describe('planLayout', () => {
  it('numbers the children of a directory in a row, then goes depth first', () => {
    const root = directory({
      b: directory({ z: directory({ q: emptyFile() }), a: emptyFile() }),
      c: directory({ d: emptyFile() }),
      '!': emptyFile(),
    })
    const plan = planLayout(root, 4096)
    expect(plan.names).toEqual(['', '!', 'b', 'c', 'a', 'z', 'q', 'd'])
    expect(plan.nodes.map(({ ino }) => ino)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(
      plan.directories.map(({ number, parent, firstChild, childCount }) => [
        number,
        parent,
        firstChild,
        childCount,
      ]),
    ).toEqual([
      [0, 0, 1, 3],
      [2, 0, 4, 2],
      [5, 2, 6, 1],
      [3, 0, 7, 1],
    ])
  })

  it('gives hard links one place and counts them', () => {
    const shared = emptyFile()
    const pointer = symlink('x')
    const plan = planLayout(
      directory({ a: shared, d: directory({ b: shared, s: pointer }), s: pointer }),
      4096,
    )
    expect(plan.names).toEqual(['', 'a', 'd', 's', 'b', 's'])
    expect(plan.inodeOffsets[4]).toBe(plan.inodeOffsets[1])
    expect(plan.inodeOffsets[5]).toBe(plan.inodeOffsets[3])
    expect(Array.from(plan.nlinks).slice(1)).toEqual([3, 2, 2, 2, 0, 0])
    expect([shared.ino, pointer.ino]).toEqual([2, 4])
  })

  it('plans the same tree again, and a part of it, without remembering the last plan', () => {
    const { root } = randomTree(99)
    const first = planLayout(root, 4096)
    const part = [...(root.children?.values() ?? [])].find(
      ({ mode }) => (mode & FILE_TYPE.DIRECTORY) !== 0 && mode < FILE_TYPE.REGULAR,
    )
    if (part !== undefined) planLayout(part, 4096)
    expect(planLayout(root, 4096)).toEqual(first)
  })
})
