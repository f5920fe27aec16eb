// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { dumpBootstrap, openBootstrap, walkTree } from '../src/index.ts'
import { output, v6Bootstraps } from './golden.ts'

describe('dumpBootstrap', () => {
  it('writes one line a fact', () => {
    const lines = [...dumpBootstrap(openBootstrap(output('tiny-tar-v6', 'bootstrap')))]
    expect(lines.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'rafs v6 blockSize=4096',
      'blob 0 05a8813a194db16bb3cd7f2e9391df4a34c4fcd8fd67321912169963d0fd5f2d',
      'device 0 05a8813a194db16bb3cd7f2e9391df4a34c4fcd8fd67321912169963d0fd5f2d',
      'inode 128 /',
      'inode 134 /b',
      '  data',
      'inode 137 /copy',
      '  data',
      'inode 143 /dir',
      'inode 147 /dir/a',
      '  data',
      'inode 134 /hard',
      'inode 140 /link',
      '  target',
      'chunk 606acecf50ab6f824ae463f7ae4eb7f900b1e999dd5af68949936ea7a05bc7cb blobIndex=0',
      'chunk f41af62cb47ca7caed1c206ed0c073353de9846cbe3b59128727fd634cc31226 blobIndex=0',
    ])
    expect(lines).toContain('  target dir/a')
    expect(lines).toContain(
      '  data blobIndex=0 chunkIndex=1 uncompressedOffset=4096 length=5000 fileOffset=0',
    )
  })
  it.each(v6Bootstraps().slice(0, 40))('names every path of $id', ({ bytes }) => {
    const bootstrap = openBootstrap(bytes)
    const inodes = [...dumpBootstrap(bootstrap)].filter((line) => line.startsWith('inode '))
    expect(inodes).toHaveLength([...walkTree(bootstrap)].length)
    expect(inodes.every((line) => !line.includes('\n'))).toBe(true)
  })
})
