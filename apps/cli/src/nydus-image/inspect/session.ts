// SPDX-License-Identifier: Apache-2.0
/** What `inspect` knows between commands: the bootstrap, the current directory, and the paths of inodes. */
import { type Bootstrap, isDotName, readDirectory, walkTree } from '@nydus/rafs-format'
import { escapedBytes } from '../quoted-text.ts'

/** One run of `inspect`. */
export interface InspectSession {
  readonly bootstrap: Bootstrap
  /** Of the file that the bootstrap came from. */
  readonly path: string
  /** One request answers with JSON, the prompt with text. */
  readonly mode: 'prompt' | 'request'
  print(text: string): void
  /** Current directory and those above it, the root first; never empty. */
  readonly directories: number[]
}

/** An entry of a directory. */
export interface InspectEntry {
  readonly nid: number
  /** Bytes that are no UTF-8 text are escaped. */
  readonly name: string
}

/** Starts at the root. */
export function openSession(
  bootstrap: Bootstrap,
  path: string,
  mode: InspectSession['mode'],
  print: (text: string) => void,
): InspectSession {
  return { bootstrap, path, mode, print, directories: [bootstrap.rootNid] }
}

/** nid of the current directory. */
export function currentDirectory({ directories, bootstrap }: InspectSession): number {
  return directories.at(-1) ?? bootstrap.rootNid
}

/** What a directory holds, without dots. @throws {FormatError} */
export function entriesOf(bootstrap: Bootstrap, nid: number): InspectEntry[] {
  const entries = []
  for (const { nid: child, name } of readDirectory(bootstrap, nid)) {
    if (!isDotName(name)) entries.push({ nid: child, name: escapedBytes(name) })
  }
  return entries
}

/** Where an inode is. */
export interface InodePlace {
  /** Absolute path, `/` for the root. */
  readonly path: string
  readonly name: string
  readonly parentNid: number
}

/** Every path of one inode, in the order of the tree. @throws {FormatError} */
export function placesOf({ bootstrap }: InspectSession, nid: number): InodePlace[] {
  const places = []
  for (const { path, inode, parentNid } of walkTree(bootstrap)) {
    if (inode.nid !== nid) continue
    const names = path.map(escapedBytes)
    places.push({ path: `/${names.join('/')}`, name: names.at(-1) ?? '/', parentNid })
  }
  return places
}
