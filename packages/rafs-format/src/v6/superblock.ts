// SPDX-License-Identifier: Apache-2.0
/** Both superblocks of a v6 bootstrap: EROFS's at 1024 and RAFS's extension at 1152, read, checked and written. */
import { isPowerOfTwo } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { SUPER_FLAGS } from '../flags.ts'
import {
  DEVICE_TABLE_OFFSET,
  DEVICE_TABLE_SLOT,
  EROFS_BLOCK_BYTES,
  EROFS_COMPAT_RAFS_V6,
  EROFS_INCOMPAT_CHUNKED_FILE,
  EROFS_INCOMPAT_DEVICE_TABLE,
  EROFS_MAGIC,
  EROFS_SUPER_OFFSET,
  ErofsSuperBlock,
  TARFS_BLOCK_BYTES,
} from '../layout/erofs.ts'
import { V6_SUPER_EXT_OFFSET, V6SuperBlockExt } from '../layout/v6.ts'

/** The members of both superblocks that vary. */
export interface SuperBlock {
  /** 4096; tarfs 512. */
  readonly blockSize: number
  readonly rootNid: number
  /** All nodes, every hard link counted. */
  readonly inodeCount: number
  /** Sum of the blobs' whole blocks; 4096 from builders before 2.2. */
  readonly blocks: number
  /** Block address that nids count from. */
  readonly metaBlockAddr: number
  /** Number of blobs. */
  readonly extraDevices: number
  /** SUPER_FLAGS. */
  readonly flags: bigint
  readonly blobTableOffset: number
  /** Bytes. */
  readonly blobTableSize: number
  /** Bytes. */
  readonly chunkSize: number
  readonly chunkTableOffset: number
  /** Bytes. */
  readonly chunkTableSize: number
  /** 0 if there is no prefetch table. */
  readonly prefetchTableOffset: number
  /** Bytes. */
  readonly prefetchTableSize: number
}

const V5_MAGIC = 0x5241_4653
const FEATURE_INCOMPAT = EROFS_INCOMPAT_CHUNKED_FILE | EROFS_INCOMPAT_DEVICE_TABLE
const MIN_CHUNK_BYTES = 0x1000
const MAX_CHUNK_BYTES = 0x100_0000
const KNOWN_FLAGS = Object.values(SUPER_FLAGS).reduce((all, bit) => all | bit, 0n)
/** Bytes up to the device table: the least a bootstrap has. */
const HEAD_BYTES = DEVICE_TABLE_OFFSET

/** Bytes 1024 … 1407 of a bootstrap: both superblocks. */
export function encodeSuperBlock(superBlock: SuperBlock): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES - EROFS_SUPER_OFFSET)
  ErofsSuperBlock.encodeInto(head, 0, {
    ...superBlock,
    magic: EROFS_MAGIC,
    featureCompat: EROFS_COMPAT_RAFS_V6,
    blockSizeBits: Math.log2(superBlock.blockSize),
    featureIncompat: FEATURE_INCOMPAT,
    deviceTableSlotOffset: DEVICE_TABLE_SLOT,
  })
  V6SuperBlockExt.encodeInto(head, V6_SUPER_EXT_OFFSET - EROFS_SUPER_OFFSET, superBlock)
  return head
}

/**
 * Reads and checks both superblocks.
 * @throws {FormatError} ERR_FORMAT_BAD_MAGIC, ERR_FORMAT_UNSUPPORTED_VERSION for RAFS v5, ERR_FORMAT_UNSUPPORTED_FEATURE,
 *   ERR_FORMAT_TRUNCATED, ERR_FORMAT_CORRUPT.
 */
export function decodeSuperBlock(bytes: Uint8Array): SuperBlock {
  checkMagic(bytes)
  const erofs = ErofsSuperBlock.decode(bytes, EROFS_SUPER_OFFSET)
  const blockSize = checkErofs(erofs)
  const extension = V6SuperBlockExt.decode(bytes, V6_SUPER_EXT_OFFSET)
  checkFlags(extension.flags, blockSize)
  checkChunkSize(extension.chunkSize)
  if (bytes.length % blockSize !== 0) {
    throw corrupt(`bootstrap of ${bytes.length} bytes is not a multiple of its block size ${blockSize}`, {
      size: bytes.length,
      blockSize,
    })
  }
  const { rootNid, inodeCount, blocks, metaBlockAddr, extraDevices } = erofs
  return { blockSize, rootNid, inodeCount, blocks, metaBlockAddr, extraDevices, ...extension }
}

function checkMagic(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length >= 8 && view.getUint32(0, true) === V5_MAGIC) {
    throw new FormatError(
      'ERR_FORMAT_UNSUPPORTED_VERSION',
      `RAFS v5 bootstrap (version 0x${view.getUint32(4, true).toString(16)}), this reader knows v6`,
      { details: { version: view.getUint32(4, true) }, hint: 'convert the image again with fs version 6' },
    )
  }
  if (bytes.length < HEAD_BYTES) {
    throw new FormatError(
      'ERR_FORMAT_TRUNCATED',
      `bootstrap of ${bytes.length} bytes, at least ${HEAD_BYTES} expected`,
      {
        details: { expected: HEAD_BYTES, found: bytes.length },
      },
    )
  }
  const magic = view.getUint32(EROFS_SUPER_OFFSET, true)
  if (magic === EROFS_MAGIC) return
  const gzip = view.getUint16(0, true) === 0x8b1f
  throw new FormatError(
    'ERR_FORMAT_BAD_MAGIC',
    `no RAFS v6 bootstrap: magic at 0x400 is 0x${magic.toString(16)}, expected 0x${EROFS_MAGIC.toString(16)}`,
    {
      details: { expected: EROFS_MAGIC, found: magic },
      ...(gzip && { hint: 'this is gzip data: unpack it first' }),
    },
  )
}

/** Checks what RAFS fixes in the EROFS superblock and returns the block size. */
function checkErofs(erofs: ReturnType<typeof ErofsSuperBlock.decode>): number {
  const fixed = {
    checksum: 0,
    extSlots: 0,
    union: 0,
    xattrBlockAddr: 0,
    featureIncompat: FEATURE_INCOMPAT,
    deviceTableSlotOffset: DEVICE_TABLE_SLOT,
  }
  for (const [name, expected] of Object.entries(fixed) as [keyof typeof fixed, number][]) {
    const found = erofs[name]
    if (found === expected) continue
    throw new FormatError(
      'ERR_FORMAT_UNSUPPORTED_FEATURE',
      `superblock: ${name} is 0x${found.toString(16)}, RAFS v6 has 0x${expected.toString(16)}`,
      { details: { field: name, expected, found } },
    )
  }
  if ((erofs.featureCompat & EROFS_COMPAT_RAFS_V6) === 0) {
    throw new FormatError('ERR_FORMAT_UNSUPPORTED_FEATURE', 'EROFS image without the RAFS v6 feature bit', {
      details: { featureCompat: erofs.featureCompat },
    })
  }
  if (erofs.inodeCount === 0) throw corrupt('superblock: no inodes', {})
  const blockSize = 2 ** erofs.blockSizeBits
  if (blockSize === EROFS_BLOCK_BYTES || blockSize === TARFS_BLOCK_BYTES) return blockSize
  throw new FormatError(
    'ERR_FORMAT_UNSUPPORTED_FEATURE',
    `block size 2^${erofs.blockSizeBits}, RAFS v6 has 4096 or 512`,
    {
      details: { blockSizeBits: erofs.blockSizeBits },
    },
  )
}

function checkFlags(flags: bigint, blockSize: number): void {
  const unknown = flags & ~KNOWN_FLAGS
  if (unknown !== 0n) {
    throw new FormatError(
      'ERR_FORMAT_UNSUPPORTED_FEATURE',
      `unknown superblock flags 0x${unknown.toString(16)}`,
      {
        details: { flags: `0x${flags.toString(16)}` },
      },
    )
  }
  const tarfs = (flags & SUPER_FLAGS.TARFS_MODE) !== 0n
  if (tarfs !== (blockSize === TARFS_BLOCK_BYTES)) {
    throw corrupt(`block size ${blockSize} ${tarfs ? 'with' : 'without'} the tarfs flag`, { blockSize })
  }
}

function checkChunkSize(chunkSize: number): void {
  if (isPowerOfTwo(chunkSize) && chunkSize >= MIN_CHUNK_BYTES && chunkSize <= MAX_CHUNK_BYTES) return
  throw corrupt(`chunk size ${chunkSize} is not a power of two in ${MIN_CHUNK_BYTES}..${MAX_CHUNK_BYTES}`, {
    chunkSize,
  })
}

function corrupt(message: string, details: Record<string, unknown>): FormatError {
  return new FormatError('ERR_FORMAT_CORRUPT', message, { details })
}
