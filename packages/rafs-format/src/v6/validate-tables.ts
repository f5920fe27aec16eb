// SPDX-License-Identifier: Apache-2.0
/** Checks of everything before and behind the inodes: places, devices, chunk table, prefetch table. */
import type { Bootstrap } from '../bootstrap.ts'
import type { FindingList } from '../finding.ts'
import { BLOB_FEATURES } from '../flags.ts'
import { DEVICE_TABLE_OFFSET, DeviceSlot as SlotRecord } from '../layout/erofs.ts'
import { decodeDeviceSlots } from './device-slot.ts'
import { readInode } from './inode.ts'

const TABLE_ALIGNMENT = 4096

/** Adds findings about the tables of `bootstrap`. */
export function validateTables(bootstrap: Bootstrap, findings: FindingList): void {
  findings.guard('superblock', () => checkPlaces(bootstrap, findings))
  findings.guard('device table', () => checkDevices(bootstrap, findings))
  findings.guard('chunk table', () => checkChunks(bootstrap, findings))
  findings.guard('prefetch table', () => checkPrefetch(bootstrap, findings))
}

function checkPlaces(bootstrap: Bootstrap, findings: FindingList): void {
  const { superBlock, blobs, metaOffset } = bootstrap
  const { blobTableOffset, blobTableSize, chunkTableOffset, prefetchTableOffset, prefetchTableSize } =
    superBlock
  const devicesEnd = DEVICE_TABLE_OFFSET + blobs.length * SlotRecord.size
  findings.expect(
    chunkTableOffset % TABLE_ALIGNMENT === 0,
    'chunk table',
    `offset 0x${chunkTableOffset.toString(16)}`,
  )
  if (blobs.length === 0) return
  findings.expect(
    blobTableOffset % TABLE_ALIGNMENT === 0,
    'blob table',
    `offset 0x${blobTableOffset.toString(16)}`,
  )
  findings.expect(blobTableOffset >= devicesEnd, 'blob table', 'it overlaps the device table')
  findings.expect(blobTableOffset + blobTableSize <= metaOffset, 'blob table', 'it overlaps the inodes')
  if (prefetchTableSize === 0) return
  const between = prefetchTableOffset >= blobTableOffset + blobTableSize
  findings.expect(between, 'prefetch table', 'it overlaps the blob table')
  findings.expect(
    prefetchTableOffset + prefetchTableSize <= metaOffset,
    'prefetch table',
    'it overlaps the inodes',
  )
}

function checkDevices(bootstrap: Bootstrap, findings: FindingList): void {
  const { bytes, blobs, blockSize } = bootstrap
  const ids = new Set<string>()
  let mappedEnd = bytes.length
  for (const [i, slot] of decodeDeviceSlots(bytes, blobs.length).entries()) {
    const blob = blobs[i]
    const blocks = Math.floor((blob?.uncompressedSize ?? 0) / blockSize)
    findings.expect(
      slot.blobId === blob?.blobId,
      'device table',
      `slot ${i} is ${slot.blobId}, the blob ${blob?.blobId}`,
    )
    findings.expect(
      slot.blocks === blocks,
      'device table',
      `slot ${i} has ${slot.blocks} blocks, the blob ${blocks}`,
    )
    findings.expect(!ids.has(slot.blobId), 'device table', `slot ${i} repeats ${slot.blobId}`)
    ids.add(slot.blobId)
    if (slot.mappedBlockAddr === 0) continue
    const mapped = slot.mappedBlockAddr * blockSize
    findings.expect(
      mapped >= mappedEnd,
      'device table',
      `slot ${i} is mapped to 0x${mapped.toString(16)}, inside another`,
    )
    mappedEnd = mapped + slot.blocks * blockSize
  }
}

function checkChunks(bootstrap: Bootstrap, findings: FindingList): void {
  const { blobs, chunkSize } = bootstrap
  const table = bootstrap.chunkTable()
  for (let i = 0; i < table.length && !findings.full; i++) {
    const chunk = table.at(i)
    const blob = blobs[chunk.blobIndex]
    findings.expect(
      blob !== undefined,
      'chunk table',
      `record ${i} names blob ${chunk.blobIndex} of ${blobs.length}`,
    )
    if (blob === undefined) continue
    const tarfs = (blob.features & BLOB_FEATURES.TARFS) !== 0
    const { uncompressedOffset, uncompressedSize, chunkIndex } = chunk
    const end = uncompressedOffset + uncompressedSize
    findings.expect(uncompressedSize <= chunkSize, 'chunk table', `record ${i} has ${uncompressedSize} bytes`)
    findings.expect(
      end <= blob.uncompressedSize,
      'chunk table',
      `record ${i} ends at 0x${end.toString(16)} behind its blob`,
    )
    const counted = tarfs || chunkIndex < blob.chunkCount
    findings.expect(counted, 'chunk table', `record ${i} is chunk ${chunkIndex} of ${blob.chunkCount}`)
  }
}

function checkPrefetch(bootstrap: Bootstrap, findings: FindingList): void {
  for (const nid of bootstrap.prefetchNids()) {
    findings.guard('prefetch table', () => void readInode(bootstrap, nid))
    if (findings.full) return
  }
}
