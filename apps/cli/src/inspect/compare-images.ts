// SPDX-License-Identifier: Apache-2.0
/** `inspect diff`: what two Nydus images have in common and where their files differ. Data is read only where digests cannot tell. */
import { hash } from 'node:crypto'
import {
  FILE_TYPE,
  isDirectoryMode,
  pathText,
  readFileChunks,
  readSymlink,
  readXattrs,
  type TreeEntry,
  walkTree,
} from '@nydus/rafs-format'
import { digestOfFile } from './file-digest.ts'
import { typeOf } from './find-path.ts'
import type { NydusImage } from './remote-image.ts'

/** What is different about a path. */
export type ChangedAspect = 'type' | 'mode' | 'owner' | 'mtime' | 'content' | 'target' | 'device' | 'xattrs'

/** One path that differs. */
export interface PathDifference {
  readonly path: string
  readonly kind: 'added' | 'removed' | 'changed'
  /** Of changed paths. */
  readonly aspects?: readonly ChangedAspect[]
  /** Bytes in the second image minus those in the first; 0 for all but regular files. */
  readonly sizeChange: number
}

/** What two images have in common. */
export interface SharedContent {
  /** Blobs that both have: a node with the first image need not fetch them again. */
  readonly blobs: number
  /** Bytes of them. */
  readonly bytes: number
  /** Bytes of blobs that only the second has. */
  readonly newBytes: number
}

interface Side {
  readonly image: NydusImage
  readonly entry: TreeEntry
}

/**
 * Every difference, in the order of paths; what is only in the second image last.
 * @throws {FormatError} for a damaged bootstrap, and what the stores throw.
 */
export async function* compareImages(
  first: NydusImage,
  second: NydusImage,
  signal?: AbortSignal,
): AsyncGenerator<PathDifference> {
  const others = new Map<string, TreeEntry>()
  for (const entry of walkTree(second.bootstrap)) others.set(keyOf(entry), entry)
  for (const entry of walkTree(first.bootstrap)) {
    signal?.throwIfAborted()
    const key = keyOf(entry)
    const other = others.get(key)
    others.delete(key)
    if (other === undefined) {
      yield { path: pathText(entry.path), kind: 'removed', sizeChange: -sizeOf(entry) }
      continue
    }
    const aspects = await changedAspects({ image: first, entry }, { image: second, entry: other }, signal)
    const sizeChange = sizeOf(other) - sizeOf(entry)
    if (aspects.length > 0) yield { path: pathText(entry.path), kind: 'changed', aspects, sizeChange }
  }
  for (const entry of others.values()) {
    yield { path: pathText(entry.path), kind: 'added', sizeChange: sizeOf(entry) }
  }
}

/** Counts the blobs that two images share. */
export function sharedContent(first: NydusImage, second: NydusImage): SharedContent {
  const known = new Set(first.bootstrap.blobs.map(({ blobId }) => blobId))
  const shared = second.bootstrap.blobs.filter(({ blobId }) => known.has(blobId))
  const sum = (blobs: typeof shared) => blobs.reduce((total, { compressedSize }) => total + compressedSize, 0)
  return {
    blobs: shared.length,
    bytes: sum(shared),
    newBytes: sum([...second.bootstrap.blobs]) - sum(shared),
  }
}

function keyOf({ path }: TreeEntry): string {
  return path.map((name) => Buffer.from(name).toString('latin1')).join('/')
}

function sizeOf({ inode }: TreeEntry): number {
  return typeOf(inode) === FILE_TYPE.REGULAR ? inode.size : 0
}

async function changedAspects(
  one: Side,
  other: Side,
  signal?: AbortSignal,
): Promise<readonly ChangedAspect[]> {
  const [a, b] = [one.entry.inode, other.entry.inode]
  if (typeOf(a) !== typeOf(b)) return ['type']
  const aspects: ChangedAspect[] = []
  if (a.mode !== b.mode) aspects.push('mode')
  if (a.uid !== b.uid || a.gid !== b.gid) aspects.push('owner')
  if (!isDirectoryMode(a.mode) && a.mtime !== b.mtime) aspects.push('mtime')
  if (a.rdev !== b.rdev) aspects.push('device')
  if (typeOf(a) === FILE_TYPE.SYMLINK && !sameBytes(targetOf(one), targetOf(other))) aspects.push('target')
  if (typeOf(a) === FILE_TYPE.REGULAR && !(await sameContent(one, other, signal))) aspects.push('content')
  if (xattrsText(one) !== xattrsText(other)) aspects.push('xattrs')
  return aspects
}

async function sameContent(one: Side, other: Side, signal?: AbortSignal): Promise<boolean> {
  const [a, b] = [one.entry.inode, other.entry.inode]
  if (a.size !== b.size) return false
  if (a.size === 0) return true
  const [mine, theirs] = [chunkDigests(one), chunkDigests(other)]
  if (mine !== undefined && theirs !== undefined && isComparable(one.image, other.image))
    return mine === theirs
  const [x, y] = await Promise.all([
    digestOfFile(one.image, one.entry, signal),
    digestOfFile(other.image, other.entry, signal),
  ])
  return x === y
}

/** Equal chunks have equal digests only where they are cut and digested in the same way. */
function isComparable({ bootstrap: a }: NydusImage, { bootstrap: b }: NydusImage): boolean {
  return a.chunkSize === b.chunkSize && a.digester === b.digester
}

/** One digest of all chunk digests; undefined where the bootstrap has none (tarfs). */
function chunkDigests({ image, entry }: Side): string | undefined {
  const digests = readFileChunks(image.bootstrap, entry.inode.nid).map(({ digest }) => digest)
  if (digests.some((digest) => digest.every((byte) => byte === 0))) return undefined
  return hash('sha256', Buffer.concat(digests), 'hex')
}

function targetOf({ image, entry }: Side): Uint8Array {
  return readSymlink(image.bootstrap, entry.inode.nid)
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function xattrsText({ image, entry }: Side): string {
  if (entry.inode.xattrSize === 0) return ''
  const pairs = readXattrs(image.bootstrap, entry.inode.nid).map(({ name, value }) =>
    [name, value].map((bytes) => Buffer.from(bytes).toString('hex')).join('='),
  )
  return pairs.sort().join(',')
}
