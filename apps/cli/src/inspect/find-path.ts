// SPDX-License-Identifier: Apache-2.0
/** Paths as people type them → inodes, symlinks followed inside the image. */
import { NydusError } from '@nydus/base/error'
import {
  type Bootstrap,
  FILE_TYPE,
  type Inode,
  isDotName,
  lookupEntry,
  pathText,
  readInode,
  readSymlink,
  S_IFMT,
} from '@nydus/rafs-format'

/** A path without links, and what is there. */
export interface FoundPath {
  readonly path: readonly Uint8Array[]
  readonly inode: Inode
}

/** As many as Linux follows. */
const MAX_LINKS = 40
const DOT = 0x2e
const SLASH = '/'

/**
 * Finds a path; relative ones start at the root.
 * @param last 'follow' also follows a link that the path itself names, 'keep' shows the link.
 * @throws {NydusError} ERR_USAGE when there is no such path; {FormatError} for a damaged bootstrap.
 */
export function findPath(bootstrap: Bootstrap, text: string, last: 'follow' | 'keep' = 'follow'): FoundPath {
  const stack: FoundPath[] = [{ path: [], inode: readInode(bootstrap, bootstrap.rootNid) }]
  const pending = componentsOf(Buffer.from(text))
  let links = 0
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (isDotName(name)) {
      if (name.length === 2 && stack.length > 1) stack.pop()
      continue
    }
    const directory = stack.at(-1) as FoundPath
    const child = step(bootstrap, directory, name, text)
    const isLink = typeOf(child.inode) === FILE_TYPE.SYMLINK
    if (!isLink || (pending.length === 0 && last === 'keep')) {
      stack.push(child)
      continue
    }
    links += 1
    if (links > MAX_LINKS) throw notFound(text, `more than ${MAX_LINKS} symlinks`)
    const target = readSymlink(bootstrap, child.inode.nid)
    if (target[0] === SLASH.charCodeAt(0)) stack.length = 1
    pending.unshift(...componentsOf(target))
  }
  return stack.at(-1) as FoundPath
}

/** File type bits of an inode. */
export function typeOf({ mode }: Inode): number {
  return mode & S_IFMT
}

function step(bootstrap: Bootstrap, directory: FoundPath, name: Uint8Array, text: string): FoundPath {
  if (typeOf(directory.inode) !== FILE_TYPE.DIRECTORY) {
    throw notFound(text, `${pathText(directory.path)} is not a directory`)
  }
  const entry = lookupEntry(bootstrap, directory.inode.nid, name)
  if (entry === undefined) throw notFound(text, `${pathText(directory.path)} has no such entry`)
  return { path: [...directory.path, name], inode: readInode(bootstrap, entry.nid) }
}

/** Empty components and single dots mean nothing. */
function componentsOf(bytes: Uint8Array): Uint8Array[] {
  const components: Uint8Array[] = []
  let start = 0
  for (let at = 0; at <= bytes.length; at += 1) {
    if (at < bytes.length && bytes[at] !== SLASH.charCodeAt(0)) continue
    const name = bytes.slice(start, at)
    if (name.length > 0 && !(name.length === 1 && name[0] === DOT)) components.push(name)
    start = at + 1
  }
  return components
}

function notFound(text: string, reason: string): NydusError {
  return new NydusError('ERR_USAGE', `${JSON.stringify(text)} is not in the image: ${reason}`)
}
