// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { SpaceAllocator } from '../../src/bootstrap/space-allocator.ts'

describe('SpaceAllocator', () => {
  it('starts one block behind the base and keeps slots of 32 bytes', () => {
    const space = new SpaceAllocator(4096)
    expect(space.placeTailed(64, 27)).toEqual({ inodeOffset: 4096, dataOffset: 4096 + 91, inline: true })
    expect(space.placeRegular(64, 3)).toBe(4096 + 96)
    expect(space.placeSpecial(64)).toBe(4096 + 192)
    expect(space.end).toBe(4096 + 256)
  })

  it('moves inline data that would cross a block, and fills the gap later', () => {
    const space = new SpaceAllocator(4096)
    space.placeRegular(64, 450) // 3664 bytes, 432 left in the block
    expect(space.placeTailed(64, 400)).toEqual({ inodeOffset: 8192, dataOffset: 8192 + 464, inline: true })
    expect(space.placeRegular(64, 1)).toBe(4096 + 3680)
    expect(space.placeSpecial(64)).toBe(8192 + 480)
  })

  it('stores whole blocks of data apart and the rest inline', () => {
    const space = new SpaceAllocator(4096)
    expect(space.placeTailed(64, 8192 + 10)).toEqual({ inodeOffset: 4096, dataOffset: 8192, inline: true })
    expect(space.end).toBe(16_384)
    expect(space.placeRegular(64, 0)).toBe(4096 + 96)
  })

  it('stores data apart that fits no block with its inode, or fills blocks exactly', () => {
    const space = new SpaceAllocator(4096)
    expect(space.placeTailed(64, 4090)).toEqual({ inodeOffset: 4096, dataOffset: 8192, inline: false })
    expect(space.placeTailed(64, 4096)).toMatchObject({ dataOffset: 12_288, inline: false })
    expect(space.placeTailed(5000, 10)).toMatchObject({ inline: false })
  })
})
