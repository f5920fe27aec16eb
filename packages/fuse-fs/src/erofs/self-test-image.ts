// SPDX-License-Identifier: Apache-2.0
/**
 * The image of the self-test: an EROFS file system of two blocks with one file, whose bytes are on one device.
 *
 *   0     superblock, one device slot
 *   4096  nid 1 root directory · nid 5 the file: 64 KiB, one chunk, at the start of device 1
 */
import {
  encodeChunkIndex,
  encodeDeviceSlots,
  encodeDirents,
  encodeInode,
  encodeSuperBlock,
} from '@nydus/rafs-format'
import {
  CHUNK_FORMAT_INDEXES,
  DEVICE_TABLE_OFFSET,
  EROFS_BLOCK_BYTES,
  EROFS_SLOT_BYTES,
  EROFS_SUPER_OFFSET,
} from '@nydus/rafs-format/layout'

/** Bytes of the file and of its device. */
export const SELF_TEST_BYTES = 0x1_0000
/** The file's name. */
export const SELF_TEST_FILE = 'f'

const ROOT_NID = 1
const FILE_NID = 5
const DIRECTORY_TYPE = 2
const REGULAR_TYPE = 1
const INODE_BYTES = 64
const NOTHING = { ino: 1, uid: 0, gid: 0, mtime: 0, mtimeNsec: 0, xattrCount: 0 } as const

/** The file system without its device, two blocks. */
export function createSelfTestImage(): Uint8Array {
  const image = new Uint8Array(2 * EROFS_BLOCK_BYTES)
  const blocks = SELF_TEST_BYTES / EROFS_BLOCK_BYTES
  image.set(encodeSuper(blocks), EROFS_SUPER_OFFSET)
  image.set(encodeDeviceSlots([{ blobId: 'f'.repeat(64), blocks, mappedBlockAddr: 0 }]), DEVICE_TABLE_OFFSET)
  putRoot(image)
  putFile(image, Math.log2(blocks))
  return image
}

function encodeSuper(blocks: number): Uint8Array {
  return encodeSuperBlock({
    blockSize: EROFS_BLOCK_BYTES,
    rootNid: ROOT_NID,
    inodeCount: 2,
    blocks,
    metaBlockAddr: 1,
    extraDevices: 1,
    flags: 0n,
    blobTableOffset: 0,
    blobTableSize: 0,
    chunkSize: SELF_TEST_BYTES,
    chunkTableOffset: 0,
    chunkTableSize: 0,
    prefetchTableOffset: 0,
    prefetchTableSize: 0,
  })
}

function putRoot(image: Uint8Array): void {
  const entries = [
    { name: Buffer.from('.'), nid: ROOT_NID, fileType: DIRECTORY_TYPE },
    { name: Buffer.from('..'), nid: ROOT_NID, fileType: DIRECTORY_TYPE },
    { name: Buffer.from(SELF_TEST_FILE), nid: FILE_NID, fileType: REGULAR_TYPE },
  ]
  const dirents = encodeDirents(entries, EROFS_BLOCK_BYTES)
  const root = encodeInode({
    ...NOTHING,
    mode: 0o040500,
    size: dirents.length,
    nlink: 2,
    layout: 'flat-inline',
    union: 0,
  })
  image.set(root, placeOf(ROOT_NID))
  image.set(dirents, placeOf(ROOT_NID) + INODE_BYTES)
}

function putFile(image: Uint8Array, chunkBits: number): void {
  const file = encodeInode({
    ...NOTHING,
    ino: 2,
    mode: 0o100400,
    size: SELF_TEST_BYTES,
    nlink: 1,
    layout: 'chunk-based',
    union: CHUNK_FORMAT_INDEXES | chunkBits,
  })
  const index = encodeChunkIndex([{ blobIndex: 0, chunkIndex: 0, uncompressedOffset: 0 }], EROFS_BLOCK_BYTES)
  image.set(file, placeOf(FILE_NID))
  image.set(index, placeOf(FILE_NID) + INODE_BYTES)
}

function placeOf(nid: number): number {
  return EROFS_BLOCK_BYTES + nid * EROFS_SLOT_BYTES
}
