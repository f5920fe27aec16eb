// SPDX-License-Identifier: Apache-2.0
/** Inodes, chunks and blobs as `inspect` shows them. */
import {
  type BlobInfo,
  type Bootstrap,
  blobFeatureNames,
  FILE_TYPE,
  hexText,
  readFileChunks,
  readInode,
  S_IFMT,
  walkTree,
} from '@nydus/rafs-format'
import { ownBlobId } from '../own-blob-id.ts'
import { escapedBytes } from '../quoted-text.ts'
import type { InodePlace, InspectSession } from './session.ts'

/** The members of an inode as one text, and one text for each chunk of a file. @throws {FormatError} */
export function statLines(
  session: InspectSession,
  nid: number,
  { name, parentNid }: Omit<InodePlace, 'path'>,
): string[] {
  const { bootstrap } = session
  const inode = readInode(bootstrap, nid)
  const { mode, size, nlink, uid, gid, mtime, mtimeNsec } = inode
  const text = rowsText(20, [
    ['Inode Number', nid],
    ['Name', `"${name}"`],
    ['Size', size],
    ['Parent', parentNid],
    ['Mode', `0x${mode.toString(16).toUpperCase()}`],
    ['Permissions', mode.toString(8)],
    ['Nlink', nlink],
    ['UID', uid],
    ['GID', gid],
    ['Mtime', mtime],
    ['MtimeNsec', mtimeNsec],
    ['Blocks', 'blocks' in inode ? (inode.blocks as number) : Math.ceil(size / 512)],
  ])
  if ((mode & S_IFMT) !== FILE_TYPE.REGULAR) return [text]
  return [text, '  Chunk list:', ...chunkTexts(session, nid)]
}

function chunkTexts({ bootstrap, path }: InspectSession, nid: number): string[] {
  return readFileChunks(bootstrap, nid).map(
    (chunk, i) => `        ${i} ->
        file offset: ${i * bootstrap.chunkSize}, chunk index: ${chunk.chunkIndex}
        compressed size: ${chunk.compressedSize}, decompressed size: ${chunk.uncompressedSize}
        compressed offset: ${chunk.compressedOffset}, decompressed offset: ${chunk.uncompressedOffset}
        blob id: ${blobIdAt(bootstrap, chunk.blobIndex, path)}
        chunk id: ${hexText(chunk.digest)}
    `,
  )
}

/** Every file that uses a chunk at `offset` of any blob. @throws {FormatError} */
export function* chunkUses({ bootstrap, path }: InspectSession, offset: number): Generator<string> {
  for (const { path: names, inode } of walkTree(bootstrap)) {
    if ((inode.mode & S_IFMT) !== FILE_TYPE.REGULAR) continue
    for (const chunk of readFileChunks(bootstrap, inode.nid)) {
      if (chunk.compressedOffset !== offset) continue
      const parent = `/${names.slice(0, -1).map(escapedBytes).join('/')}`
      const name = escapedBytes(names.at(-1) ?? new Uint8Array())
      yield `
File: ${name.padEnd(32)} Parent Path: ${parent.padEnd(32)}
Compressed Offset: ${chunk.compressedOffset}, Compressed Size: ${chunk.compressedSize}
Decompressed Offset: ${chunk.uncompressedOffset}, Decompressed Size: ${chunk.uncompressedSize}
Chunk ID: ${hexText(chunk.digest)},
Blob ID: ${blobIdAt(bootstrap, chunk.blobIndex, path)}
`
    }
  }
}

/** The members of a blob as one text. */
export function blobText(bootstrap: Bootstrap, blob: BlobInfo): string {
  const encrypted = blobFeatureNames(blob.features).includes('ENCRYPTED')
  return rowsText(24, [
    ['Blob Index', blob.blobIndex],
    ['Blob ID', blob.blobId],
    ['Raw Blob ID', bootstrap.blobs[blob.blobIndex]?.blobId ?? ''],
    ['Blob Size', blob.compressedSize],
    ['Uncompressed Data Size', blob.uncompressedSize],
    ['Features', blobFeatureNames(blob.features).join(' | ')],
    ['Compressor', blob.compressor],
    ['Digester', blob.digester],
    ['Cipher', encrypted ? 'aes128_xts' : 'none'],
    ['Chunk Size', `0x${blob.chunkSize.toString(16)}`],
    ['Chunk Count', blob.chunkCount],
    ['Prefetch Table Offset', blob.readaheadOffset ?? 0],
    ['Prefetch Table Size', blob.readaheadSize ?? 0],
    ['Meta Compressor', blob.metaCompressor],
    ['Meta Offset', blob.metaOffset],
    ['Meta Compressed Size', blob.metaCompressedSize],
    ['Meta Uncompressed Size', blob.metaUncompressedSize],
    ['ToC Digest', hexText(blob.tocDigest)],
    ['ToC Size', blob.tocSize],
    ['RAFS Blob Digest', hexText(blob.metaBlobDigest)],
    ['RAFS Blob Size', blob.metaBlobSize],
  ])
}

function blobIdAt(bootstrap: Bootstrap, blobIndex: number, path: string): string {
  const blob = bootstrap.blobs[blobIndex]
  return blob === undefined ? `none: the table has ${bootstrap.blobs.length} blobs` : ownBlobId(blob, path)
}

function rowsText(width: number, rows: readonly (readonly [string, string | number])[]): string {
  return `\n${rows.map(([name, value]) => `${`${name}:`.padEnd(width)}${value}`).join('\n')}`
}
