// SPDX-License-Identifier: Apache-2.0
/** Checks of everything before and behind the inodes: places, devices, chunk table, prefetch table. */
import { alignUp } from '@nydus/base/binary'
import { blobDataSize } from '../blob/blob-places.ts'
import { isLegacyStargz } from '../blob/legacy-stargz.ts'
import type { Bootstrap, V6Bootstrap } from '../bootstrap.ts'
import type { ChunkInfo } from '../chunk.ts'
import type { Finding, FindingList } from '../finding.ts'
import { BLOB_FEATURES } from '../flags.ts'
import { DEVICE_TABLE_OFFSET, DeviceSlot as SlotRecord } from '../layout/erofs.ts'
import type { BlobInfo } from './blob-table.ts'
import { decodeDeviceSlots } from './device-slot.ts'
import { readInode } from './inode.ts'
import type { SuperBlock } from './superblock.ts'

const TABLE_ALIGNMENT = 4096
const PAGE_BYTES = 4096
/** What builders before 2.2 wrote as the number of blocks, whatever it was. */
const LEGACY_BLOCKS = 4096

/** Adds findings about the tables of a v6 bootstrap. */
export function validateTables(bootstrap: V6Bootstrap, findings: FindingList): void {
  const { superBlock } = bootstrap
  findings.guard('superblock', () => checkBlocks(bootstrap, superBlock, findings))
  findings.guard('superblock', () => checkPlaces(bootstrap, superBlock, findings))
  findings.guard('device table', () => checkDevices(bootstrap, superBlock, findings))
  findings.guard('chunk table', () => checkChunks(bootstrap, findings))
  findings.guard('prefetch table', () => checkPrefetch(bootstrap, findings))
}

function checkBlocks({ blobs, blockSize }: Bootstrap, { blocks }: SuperBlock, findings: FindingList): void {
  if (blocks === LEGACY_BLOCKS) return
  const sum = blobs.reduce((all, blob) => all + wholeBlocks(blob, blockSize), 0)
  findings.equal('superblock', 'number of blocks', blocks, sum, blobs.length === 0 ? 'error' : 'warning')
}

interface Section {
  readonly name: string
  readonly start: number
  readonly end: number
}

function checkPlaces({ blobs, metaOffset }: Bootstrap, superBlock: SuperBlock, findings: FindingList): void {
  const { blobTableOffset, chunkTableOffset, chunkTableSize, prefetchTableOffset } = superBlock
  const devices = section('device table', DEVICE_TABLE_OFFSET, blobs.length * SlotRecord.size)
  const blobTable = section('blob table', blobTableOffset, superBlock.blobTableSize)
  const prefetchSize = prefetchTableOffset === 0 ? 0 : superBlock.prefetchTableSize
  const prefetch = section('prefetch table', prefetchTableOffset, prefetchSize)
  const chunks = section('chunk table', chunkTableOffset, chunkTableSize)
  checkAligned('blob table', blobTableOffset, findings)
  if (chunkTableSize > 0) checkAligned('chunk table', chunkTableOffset, findings)
  findings.expect(prefetchSize % 4 === 0, 'prefetch table', `${prefetchSize} bytes are no whole nids`)
  checkDisjoint([devices, blobTable, prefetch, chunks], findings)
  if (metaOffset === 0) return
  for (const { name, start, end } of [blobTable, prefetch]) {
    if (start < end) findings.expect(end <= metaOffset, name, 'it overlaps the inodes')
  }
}

function section(name: string, start: number, size: number): Section {
  return { name, start, end: start + size }
}

function checkAligned(place: string, offset: number, findings: FindingList): void {
  const aligned = offset >= TABLE_ALIGNMENT && offset % TABLE_ALIGNMENT === 0
  findings.expect(aligned, place, `offset 0x${offset.toString(16)}`)
}

function checkDisjoint(sections: readonly Section[], findings: FindingList): void {
  const used = sections.filter(({ start, end }) => start < end)
  for (const [i, later] of used.entries()) {
    for (const earlier of used.slice(0, i)) {
      const disjoint = later.start >= earlier.end || later.end <= earlier.start
      findings.expect(disjoint, later.name, `it overlaps the ${earlier.name}`)
    }
  }
}

function checkDevices(
  { bytes, blobs, blockSize }: Bootstrap,
  superBlock: SuperBlock,
  findings: FindingList,
): void {
  const ids = new Set<string>()
  // Not the file's end: a flat disk image has its blobs behind the bootstrap.
  let mappedEnd = alignUp(superBlock.chunkTableOffset + superBlock.chunkTableSize, PAGE_BYTES)
  for (const [i, slot] of decodeDeviceSlots(bytes, blobs.length).entries()) {
    const blob = blobs[i]
    if (blob === undefined) return
    findings.equal('device table', `id of slot ${i}`, slot.blobId, blob.blobId)
    findings.equal('device table', `number of blocks of slot ${i}`, slot.blocks, wholeBlocks(blob, blockSize))
    findings.expect(slot.blocks > 0, 'device table', `slot ${i} has no blocks`)
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

function wholeBlocks({ uncompressedSize }: BlobInfo, blockSize: number): number {
  return Math.floor(uncompressedSize / blockSize)
}

function checkChunks(bootstrap: Bootstrap, findings: FindingList): void {
  const { blobs } = bootstrap
  const table = bootstrap.chunkTable()
  for (let i = 0; i < table.length && !findings.full; i++) {
    const chunk = table.at(i)
    const blob = blobs[chunk.blobIndex]
    if (blob !== undefined) checkChunk(bootstrap, i, chunk, blob, findings)
    else findings.expect(false, 'chunk table', `record ${i} names blob ${chunk.blobIndex} of ${blobs.length}`)
  }
}

function checkChunk(
  { chunkSize, blockSize }: Bootstrap,
  i: number,
  chunk: ChunkInfo,
  blob: BlobInfo,
  findings: FindingList,
): void {
  const { uncompressedOffset, uncompressedSize, chunkIndex } = chunk
  const expect = (holds: boolean, message: string, severity?: Finding['severity']): void =>
    findings.expect(holds, 'chunk table', `record ${i} ${message}`, severity)
  const end = uncompressedOffset + uncompressedSize
  const compressedEnd = chunk.compressedOffset + chunk.compressedSize
  expect(uncompressedSize <= chunkSize, `has ${uncompressedSize} bytes`)
  expect(
    uncompressedOffset % blockSize === 0,
    `starts inside a block, at 0x${uncompressedOffset.toString(16)}`,
  )
  expect(end <= blob.uncompressedSize, `ends at 0x${end.toString(16)} behind its blob`)
  // Mounts read the blob meta instead, which has the last word.
  const stored = isLegacyStargz(blob) || compressedEnd <= blobDataSize(blob)
  expect(stored, `is stored up to 0x${compressedEnd.toString(16)}, behind its blob`, 'warning')
  const counted = (blob.features & BLOB_FEATURES.TARFS) !== 0 || chunkIndex < blob.chunkCount
  expect(counted, `is chunk ${chunkIndex} of ${blob.chunkCount}`)
}

function checkPrefetch(bootstrap: Bootstrap, findings: FindingList): void {
  for (const nid of bootstrap.prefetchNids()) {
    findings.guard('prefetch table', () => void readInode(bootstrap, nid))
    if (findings.full) return
  }
}
