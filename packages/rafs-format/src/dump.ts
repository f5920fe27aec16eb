// SPDX-License-Identifier: Apache-2.0
/** A bootstrap as lines of text, one fact a line, in disk order: for diffs, goldens and people. */
import type { Bootstrap, V5Bootstrap, V6Bootstrap } from './bootstrap.ts'
import { bytesText, hexText } from './byte-text.ts'
import { readChunkIndex } from './file-chunks.ts'
import { blobFeatureNames, superFlagNames } from './flags.ts'
import { readSymlink, readXattrs } from './inode.ts'
import { storedV5Chunks } from './v5/file-chunks.ts'
import { readV5Inode, v5InodeDigest } from './v5/inode.ts'
import { decodeDeviceSlots } from './v6/device-slot.ts'
import { FILE_TYPE, type Inode, S_IFMT } from './v6/inode.ts'
import { pathText, type TreeEntry, walkTree } from './walk.ts'

/**
 * Lines without line ends: superblock, blobs, devices, prefetch table, every path with its xattrs, target and chunks, and
 * the chunk table.
 * @throws {FormatError} when the iteration reaches damage.
 * @example
 * for (const line of dumpBootstrap(openBootstrap(bytes))) console.log(line)
 */
export function* dumpBootstrap(bootstrap: Bootstrap): Generator<string, void, undefined> {
  yield superBlockLine(bootstrap)
  for (const blob of bootstrap.blobs) {
    const { tocDigest, metaBlobDigest, ivTail, ivHead, blobId, features, blobIndex, ...numbers } = blob
    yield `blob ${blobIndex} ${blobId} ${members(numbers)} features=${blobFeatureNames(features).join('|')} ` +
      `tocDigest=${hexText(tocDigest)}`
  }
  if (bootstrap.fsVersion === 6) yield* deviceLines(bootstrap)
  for (const nid of bootstrap.prefetchNids()) yield `prefetch ${nid}`
  for (const entry of walkTree(bootstrap)) yield* entryLines(bootstrap, entry)
  if (bootstrap.fsVersion === 5) return
  for (const { digest, ...chunk } of bootstrap.chunkTable())
    yield `chunk ${hexText(digest)} ${members(chunk)}`
}

function superBlockLine(bootstrap: Bootstrap): string {
  const { flags, ...numbers } = bootstrap.superBlock
  return `rafs v${bootstrap.fsVersion} ${members(numbers)} flags=${superFlagNames(flags).join('|')}`
}

function* deviceLines(bootstrap: V6Bootstrap): Generator<string, void, undefined> {
  for (const [i, slot] of decodeDeviceSlots(bootstrap.bytes, bootstrap.blobs.length).entries()) {
    yield `device ${i} ${slot.blobId} blocks=${slot.blocks} mappedBlockAddr=${slot.mappedBlockAddr}`
  }
}

function* entryLines(
  bootstrap: Bootstrap,
  { path, inode, repeated }: TreeEntry,
): Generator<string, void, undefined> {
  yield `inode ${inode.nid} ${pathText(path)} ${inodeMembers(inode)}`
  if (repeated) return
  if (bootstrap.fsVersion === 5) yield v5InodeLine(bootstrap, inode)
  for (const { name, value } of readXattrs(bootstrap, inode.nid)) {
    yield `  xattr ${bytesText(name)}=${hexText(value)}`
  }
  const type = inode.mode & S_IFMT
  if (type === FILE_TYPE.SYMLINK) yield `  target ${bytesText(readSymlink(bootstrap, inode.nid))}`
  if (type === FILE_TYPE.REGULAR) yield* contentLines(bootstrap, inode)
}

function* contentLines(bootstrap: Bootstrap, inode: Inode): Generator<string, void, undefined> {
  if (bootstrap.fsVersion === 6) {
    for (const chunk of readChunkIndex(bootstrap, inode.nid)) yield `  data ${members(chunk)}`
    return
  }
  for (const { digest, ...chunk } of storedV5Chunks(bootstrap, readV5Inode(bootstrap, inode.nid))) {
    yield `  chunk ${hexText(digest)} ${members(chunk)}`
  }
}

function inodeMembers(inode: Inode): string {
  const { mode, mtime, mtimeNsec, ino, uid, gid, size, nlink, rdev, layout, union } = inode
  const time = `${mtime}.${String(mtimeNsec).padStart(9, '0')}`
  return `mode=0${mode.toString(8)} ${members({ ino, uid, gid, size, nlink, rdev, layout, union })} mtime=${time}`
}

function v5InodeLine(bootstrap: V5Bootstrap, { nid }: Inode): string {
  const inode = readV5Inode(bootstrap, nid)
  const { parentIno, flags, projid, blocks, childIndex, childCount } = inode
  const digest = hexText(v5InodeDigest(bootstrap, inode))
  return `  v5 ${members({ parentIno, flags, projid, blocks, childIndex, childCount, digest })}`
}

function members(record: object): string {
  return Object.entries(record)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
