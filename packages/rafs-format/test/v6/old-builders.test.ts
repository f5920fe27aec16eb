// SPDX-License-Identifier: Apache-2.0
/**
 * Images of 2.0: made from current ones by undoing what changed since. 4096 as the number of blocks whatever it is, blobs mapped
 * to 0, no bits for explicit owners and encryption, blob features 1, the chunk table in any order, no ino of the root, and
 * (2.0.0 release candidates) inodes of 32 bytes without times.
 */
import { describe, expect, it } from 'vitest'
import {
  blobDataSize,
  openBootstrap,
  readFileChunks,
  readSymlink,
  readXattrs,
  SUPER_FLAGS,
  validateBootstrap,
  walkTree,
} from '../../src/index.ts'
import {
  ChunkRecord,
  DEVICE_TABLE_OFFSET,
  DeviceSlot,
  EROFS_SUPER_OFFSET,
  ErofsSuperBlock,
  InodeCompact,
  InodeExtended,
  V6_SUPER_EXT_OFFSET,
  V6BlobEntry,
  V6SuperBlockExt,
} from '../../src/layout/index.ts'
import { output } from '../golden.ts'

const NEW_FLAGS = SUPER_FLAGS.EXPLICIT_UID_GID | SUPER_FLAGS.ENCRYPTION_NONE
const LEGACY_BLOCKS = 4096

function asOldBuilder(current: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(current)
  const view = new DataView(bytes.buffer)
  const bootstrap = openBootstrap(current)
  if (bootstrap.fsVersion !== 6) throw new Error('not v6')
  const { superBlock, blobs, flags } = bootstrap
  view.setUint32(EROFS_SUPER_OFFSET + ErofsSuperBlock.offsets.blocks, LEGACY_BLOCKS, true)
  view.setBigUint64(V6_SUPER_EXT_OFFSET + V6SuperBlockExt.offsets.flags, flags & ~NEW_FLAGS, true)
  for (const i of blobs.keys()) {
    const slot = DEVICE_TABLE_OFFSET + i * DeviceSlot.size
    view.setUint32(slot + DeviceSlot.offsets.mappedBlockAddr, 0, true)
    const entry = superBlock.blobTableOffset + i * V6BlobEntry.size
    view.setUint32(entry + V6BlobEntry.offsets.features, 1, true)
  }
  const root = bootstrap.metaOffset + bootstrap.rootNid * 32
  view.setUint32(root + InodeExtended.offsets.ino, 0, true)
  reverseTable(bytes, superBlock.chunkTableOffset, superBlock.chunkTableSize)
  return bytes
}

function reverseTable(bytes: Uint8Array, offset: number, size: number): void {
  const { size: step } = ChunkRecord
  const before = bytes.slice(offset, offset + size)
  for (let at = 0; at < size; at += step) bytes.set(before.subarray(at, at + step), offset + size - step - at)
}

/** Every inode that fits becomes a compact one; what follows it moves up. Chunk indexes stay at multiples of 8. */
function withCompactInodes(current: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(current)
  const bootstrap = openBootstrap(current)
  for (const { inode, repeated } of walkTree(bootstrap)) {
    if (repeated || inode.bootstrapOffset + InodeExtended.size > bytes.length) continue
    const { bootstrapOffset: at, layout, size, xattrSize } = inode
    const record = InodeExtended.decode(current, at)
    const chunks = Math.ceil(size / bootstrap.chunkSize) * 8 + 8
    const inline =
      layout === 'flat-inline' ? size % bootstrap.blockSize : layout === 'flat-plain' ? 0 : chunks
    const behind = current.subarray(at + InodeExtended.size, at + InodeExtended.size + xattrSize + inline)
    const { format, mode, nlink, xattrCount, union, ino, uid, gid } = record
    InodeCompact.encodeInto(bytes, at, {
      format: format & ~1,
      mode,
      nlink,
      xattrCount,
      size,
      union,
      ino,
      uid,
      gid,
    })
    bytes.set(behind, at + InodeCompact.size)
  }
  return bytes
}

/** Everything but times. */
function contentOf(bytes: Uint8Array): readonly unknown[] {
  const bootstrap = openBootstrap(bytes)
  return [...walkTree(bootstrap)].map(({ path, inode }) => {
    const { nid, mode, size, uid, gid, nlink, rdev } = inode
    const type = mode & 0xf000
    return {
      path: Buffer.concat(path.map((name) => Buffer.concat([Buffer.from('/'), name]))).toString('latin1'),
      members: { nid, mode, size, uid, gid, nlink, rdev: type === 0x2000 || type === 0x6000 ? rdev : 0 },
      xattrs: readXattrs(bootstrap, nid),
      target: type === 0xa000 ? readSymlink(bootstrap, nid) : undefined,
      chunks: type === 0x8000 ? readFileChunks(bootstrap, nid) : [],
    }
  })
}

const IMAGES = ['mixed-tar-v6-lz4_block-blake3', 'xattrs-tar-v6', 'types-tar-v6', 'names-tar-v6'] as const

describe.each(IMAGES)('%s as 2.0 would have built it', (id) => {
  const current = output(id, 'bootstrap')
  const old = asOldBuilder(current)
  it('is sound and has the same content', () => {
    expect(validateBootstrap(old)).toEqual([])
    expect(contentOf(old)).toEqual(contentOf(current))
  })
  it('has nothing but data in its blob', () => {
    for (const blob of openBootstrap(old).blobs) expect(blobDataSize(blob)).toBe(blob.compressedSize)
  })
  it('has the same content with compact inodes, which know no times', () => {
    const compact = withCompactInodes(old)
    expect(validateBootstrap(compact).filter(({ severity }) => severity === 'error')).toEqual([])
    expect(contentOf(compact)).toEqual(contentOf(current))
    const times = [...walkTree(openBootstrap(compact))].map(({ inode }) => inode.mtime + inode.mtimeNsec)
    expect(new Set(times)).toEqual(new Set([0]))
  })
})
