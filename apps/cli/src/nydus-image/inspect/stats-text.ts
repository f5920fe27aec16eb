// SPDX-License-Identifier: Apache-2.0
/** The superblock as `inspect` shows it. */
import { type Bootstrap, superFlagNames } from '@nydus/rafs-format'

/** Lines of `stats`. */
export function statsText(bootstrap: Bootstrap): string {
  const { superBlock, flags } = bootstrap
  const hex = (value: number) => `0x${value.toString(16)}`
  const rows: readonly (readonly [string, string | number])[] = [
    ['Version', bootstrap.fsVersion],
    ['Inodes Count', bootstrap.inodeCount],
    ['Chunk Size', `${bootstrap.chunkSize / 1024}KB`],
    ['Root Inode', bootstrap.rootNid],
    ['Flags', superFlagNames(flags).join(' | ')],
    ['Blob table offset', hex(superBlock.blobTableOffset)],
    ['Blob table size', hex(superBlock.blobTableSize)],
    ['Prefetch table offset', hex(superBlock.prefetchTableOffset)],
    ['Prefetch table entries', hex(bootstrap.prefetchNids().length)],
    ...('chunkTableOffset' in superBlock
      ? ([
          ['Chunk table offset', hex(superBlock.chunkTableOffset)],
          ['Chunk table size', hex(superBlock.chunkTableSize)],
        ] as const)
      : []),
  ]
  return `\n${rows.map(([name, value]) => `    ${`${name}:`.padEnd(24)}${value}`).join('\n')}\n    `
}
