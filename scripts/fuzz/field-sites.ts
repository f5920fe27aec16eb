// SPDX-License-Identifier: Apache-2.0
/** Where the fields of a bootstrap or blob meta file are: the grammar of the mutations. */
import {
  BLOB_FEATURES,
  isDirectoryMode,
  openBootstrap,
  parseBlobMetaFile,
  type V6Bootstrap,
  walkTree,
} from '@nydus/rafs-format'
import * as layout from '@nydus/rafs-format/layout'

/** One field of one record. Offsets count from the start of the bytes. */
export interface FieldSite {
  readonly record: string
  readonly recordStart: number
  readonly recordSize: number
  readonly field: string
  readonly offset: number
  /** Bytes. */
  readonly size: number
}

type AnyStruct = {
  readonly name: string
  readonly size: number
  readonly offsets: Readonly<Record<string, number>>
}

/** Large trees repeat themselves. */
const MAX_INODES = 200
const SLOT_BYTES = 32
const MAX_FIELD_BYTES = 16

/** Fields of all records of an intact RAFS v5 or v6 bootstrap. */
export function bootstrapSites(bytes: Uint8Array): readonly FieldSite[] {
  const bootstrap = openBootstrap(bytes)
  return bootstrap.fsVersion === 5 ? v5Sites(bytes) : v6Sites(bootstrap)
}

/** Fields of the records, contexts and header of an intact blob meta file. */
export function blobMetaSites(bytes: Uint8Array): readonly FieldSite[] {
  const { header, meta } = parseBlobMetaFile(bytes)
  const zran = (header.features & BLOB_FEATURES.ZRAN) !== 0
  return [
    ...sitesOf(layout.BlobMetaHeader, bytes.length - layout.BlobMetaHeader.size),
    ...tableSites(meta.version === 1 ? layout.ChunkMetaV1 : layout.ChunkMetaV2, 0, meta.chunkCount),
    ...tableSites(zran ? layout.ZranContext : layout.BatchContext, header.contextOffset, meta.contextCount),
  ]
}

/** Fields of the entries of a ToC of `length` bytes with its trailer. */
export function tocSites(length: number): readonly FieldSite[] {
  return tableSites(layout.TocEntry, 0, Math.floor((length - layout.TAR_HEADER_BYTES) / layout.TocEntry.size))
}

function v6Sites(bootstrap: V6Bootstrap): readonly FieldSite[] {
  const { superBlock, blobs } = bootstrap
  return [
    ...sitesOf(layout.ErofsSuperBlock, layout.EROFS_SUPER_OFFSET),
    ...sitesOf(layout.V6SuperBlockExt, layout.V6_SUPER_EXT_OFFSET),
    ...tableSites(layout.DeviceSlot, layout.DEVICE_TABLE_OFFSET, blobs.length),
    ...tableSites(layout.V6BlobEntry, superBlock.blobTableOffset, blobs.length),
    ...tableSites(layout.ChunkRecord, superBlock.chunkTableOffset, bootstrap.chunkTable().length),
    ...inodeSites(bootstrap),
  ]
}

function inodeSites(bootstrap: V6Bootstrap): FieldSite[] {
  const sites: FieldSite[] = []
  let left = MAX_INODES
  for (const { inode, repeated } of walkTree(bootstrap)) {
    if (repeated || left-- === 0) continue
    sites.push(...sitesOf(layout.InodeExtended, bootstrap.metaOffset + inode.nid * SLOT_BYTES))
    if (inode.xattrSize > 0) {
      const at = inode.tailOffset - inode.xattrSize
      sites.push(...sitesOf(layout.XattrIbodyHeader, at))
      sites.push(...sitesOf(layout.XattrEntry, at + layout.XattrIbodyHeader.size))
    }
    if (isDirectoryMode(inode.mode) && inode.layout === 'flat-inline')
      sites.push(...tableSites(layout.Dirent, inode.tailOffset, direntCount(bootstrap, inode.tailOffset)))
    if (inode.layout === 'chunk-based') {
      const chunks = Math.ceil(inode.size / bootstrap.chunkSize)
      sites.push(...tableSites(layout.ChunkIndexEntry, Math.ceil(inode.tailOffset / 8) * 8, chunks))
    }
  }
  return sites
}

function direntCount({ bytes }: V6Bootstrap, offset: number): number {
  return Math.floor(layout.Dirent.view(bytes, offset).nameOffset / layout.Dirent.size)
}

function v5Sites(bytes: Uint8Array): readonly FieldSite[] {
  const superBlock = layout.V5SuperBlockRecord.view(bytes, 0)
  const { inodeTableOffset, inodeTableEntries, extendedBlobTableOffset } = superBlock
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const inodes = Array.from({ length: Math.min(inodeTableEntries, MAX_INODES) }, (_, i) => {
    const at = view.getUint32(inodeTableOffset + 4 * i, true) * 8
    const { nameSize, symlinkSize, mode, childCount, flags } = layout.V5InodeRecord.view(bytes, at)
    const behind = at + layout.V5InodeRecord.size + alignUp8(nameSize) + alignUp8(symlinkSize)
    const xattrs = (flags & layout.V5_INODE_FLAGS.XATTR) !== 0
    const chunked = (mode & 0xf000) === 0x8000 && !xattrs
    return [
      ...sitesOf(layout.V5InodeRecord, at),
      ...(xattrs ? [rawSite('V5Xattrs', behind, 8), rawSite('V5XattrPair', behind + 8, 4)] : []),
      ...(chunked ? tableSites(layout.ChunkRecord, behind, childCount) : []),
    ]
  })
  return [
    ...sitesOf(layout.V5SuperBlockRecord, 0),
    ...Array.from({ length: inodes.length }, (_, i) => rawSite('V5InodeTable', inodeTableOffset + 4 * i, 4)),
    ...tableSites(layout.V5ExtendedBlobEntry, extendedBlobTableOffset, superBlock.extendedBlobTableEntries),
    ...inodes.flat(),
  ]
}

function alignUp8(value: number): number {
  return Math.ceil(value / 8) * 8
}

function rawSite(record: string, offset: number, size: number): FieldSite {
  return { record, recordStart: offset, recordSize: size, field: record, offset, size }
}

function tableSites(struct: AnyStruct, offset: number, count: number): FieldSite[] {
  return Array.from({ length: count }, (_, i) => sitesOf(struct, offset + i * struct.size)).flat()
}

function sitesOf(struct: AnyStruct, recordStart: number): FieldSite[] {
  const fields = Object.entries(struct.offsets)
  return fields.flatMap(([field, at], i) => {
    const size = (fields[i + 1]?.[1] ?? struct.size) - at
    const small = { ...rawSite(struct.name, recordStart, struct.size), field, offset: recordStart + at }
    return [{ ...small, size: Math.min(size, MAX_FIELD_BYTES) }]
  })
}
