// SPDX-License-Identifier: Apache-2.0
/** Reads the tree of a directory: everything but the data of its files. */
import { type BigIntStats, lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isSupportedXattr, sortXattrs, type Xattr } from '@nydus/rafs-format'
import { BuildError } from '../build-error.ts'
import { whiteoutOfEntry } from '../image/whiteout.ts'
import type { WhiteoutSpec } from '../layer/build-options.ts'
import { byteName } from '../tree/byte-name.ts'
import { createNode, isDirectory, isRegular, isSymlink, type Node } from '../tree/node.ts'
import type { XattrReader } from './directory-options.ts'
import { joinPath, onPath, pathError, pathText } from './source-path.ts'

/** `chunkStart` of a file whose data is not stored yet. */
export const PENDING_DATA = -1
/** Entries that are read before others get a turn. */
const ENTRIES_PER_TURN = 1024
const NS_PER_SECOND = 1_000_000_000n

/** How a directory is read. */
export interface ScanOptions {
  readonly explicitOwners: boolean
  /** Leave these whiteouts out: they say something about lower layers, and there are none. 'none' keeps all entries. */
  readonly dropWhiteouts: WhiteoutSpec
  readonly readXattrs?: XattrReader | undefined
  readonly signal: AbortSignal
}

/** A directory's tree. */
export interface ScannedTree {
  readonly root: Node
  /** Files with more than one name in the whole file system; a node stands for all names found. */
  readonly linked: ReadonlySet<Node>
  /** All entries, the root not counted. */
  readonly entryCount: number
}

/**
 * Reads a directory; what is mounted below it as well. Files of equal device and inode become one node. The root has mtime
 * 0, so that the same content gives the same image.
 * @param path raw bytes; a symlink to a directory is followed.
 * @throws {BuildError} ERR_BUILD_IO for what cannot be read or vanishes, ERR_BUILD_UNSUPPORTED_ENTRY for xattrs that an
 *   image cannot hold and for a path that is no directory.
 */
export async function scanDirectory(path: Uint8Array, options: ScanOptions): Promise<ScannedTree> {
  const scan = new DirectoryScan(options)
  const root = await scan.root(path)
  await scan.read(path, root)
  return { root, linked: new Set(scan.links.values()), entryCount: scan.entryCount }
}

class DirectoryScan {
  readonly #options: ScanOptions
  /** Files with several names, by device and inode. */
  readonly links = new Map<string, Node>()
  entryCount = 0

  constructor(options: ScanOptions) {
    this.#options = options
  }

  async root(path: Uint8Array): Promise<Node> {
    const stat = onPath(path, 'stat', () => statSync(path as Buffer, { bigint: true }))
    const root = nodeOfStat(stat, this.#options.explicitOwners)
    if (!isDirectory(root)) {
      throw new BuildError('ERR_BUILD_UNSUPPORTED_ENTRY', `${pathText(path)} is not a directory`)
    }
    root.mtime = 0
    root.mtimeNsec = 0
    await this.#addXattrs(path, root)
    return root
  }

  async read(path: Uint8Array, root: Node): Promise<void> {
    const pending = [{ path, node: root }]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const directory = next.path
      const names = onPath(directory, 'readdir', () =>
        readdirSync(directory as Buffer, { encoding: 'buffer' }),
      )
      for (const name of names) {
        this.entryCount += 1
        if (this.entryCount % ENTRIES_PER_TURN === 0) await this.#yield()
        const childPath = joinPath(directory, name)
        const child = await this.#readEntry(childPath)
        const key = byteName(name)
        if (this.#isDropped(key, child)) continue
        next.node.children?.set(key, child)
        if (child.children !== undefined) pending.push({ path: childPath, node: child })
      }
    }
  }

  async #yield(): Promise<void> {
    await nextTurn()
    this.#options.signal.throwIfAborted()
  }

  #isDropped(name: string, node: Node): boolean {
    const { kind } = whiteoutOfEntry(name, node, this.#options.dropWhiteouts)
    return kind === 'opaque' || kind === 'remove'
  }

  async #readEntry(path: Buffer): Promise<Node> {
    const stat = onPath(path, 'lstat', () => lstatSync(path, { bigint: true }))
    const node = nodeOfStat(stat, this.#options.explicitOwners)
    if (stat.nlink > 1n && isRegular(node)) {
      const key = `${stat.dev}:${stat.ino}`
      const known = this.links.get(key)
      if (known !== undefined) return known
      this.links.set(key, node)
    }
    if (isSymlink(node)) {
      node.symlink = new Uint8Array(
        onPath(path, 'readlink', () => readlinkSync(path, { encoding: 'buffer' })),
      )
      node.size = node.symlink.length
    }
    const adding = this.#addXattrs(path, node)
    if (adding !== undefined) await adding
    return node
  }

  /** @returns nothing when there is nothing to wait for. */
  #addXattrs(path: Uint8Array, node: Node): Promise<void> | undefined {
    const { readXattrs } = this.#options
    if (readXattrs === undefined) return undefined
    let found: readonly Xattr[] | Promise<readonly Xattr[]>
    try {
      found = readXattrs(path)
    } catch (cause) {
      throw pathError(path, 'reading xattrs', cause)
    }
    if (!(found instanceof Promise)) {
      setXattrs(path, node, found)
      return undefined
    }
    return found.then(
      (xattrs) => setXattrs(path, node, xattrs),
      (cause: unknown) => {
        throw pathError(path, 'reading xattrs', cause)
      },
    )
  }
}

function setXattrs(path: Uint8Array, node: Node, xattrs: readonly Xattr[]): void {
  if (xattrs.length === 0) return
  const refused = xattrs.find(({ name }) => !isSupportedXattr(name))
  if (refused !== undefined) {
    const name = byteName(refused.name)
    throw new BuildError('ERR_BUILD_UNSUPPORTED_ENTRY', `${pathText(path)} has the xattr ${name}`, {
      details: { path: pathText(path), name },
      hint: 'images hold user, security and trusted xattrs and POSIX ACLs',
    })
  }
  node.xattrs = sortXattrs(xattrs)
}

function nodeOfStat(stat: BigIntStats, explicitOwners: boolean): Node {
  const seconds = floorSeconds(stat.mtimeNs)
  const node = createNode({
    mode: Number(stat.mode),
    uid: explicitOwners ? Number(stat.uid) : 0,
    gid: explicitOwners ? Number(stat.gid) : 0,
    rdev: Number(BigInt.asUintN(32, stat.rdev)),
    mtime: Number(seconds),
    mtimeNsec: Number(stat.mtimeNs - seconds * NS_PER_SECOND),
  })
  if (isRegular(node)) {
    node.size = Number(stat.size)
    node.chunkStart = PENDING_DATA
  }
  return node
}

/** Whole seconds, rounded down for times before 1970. */
function floorSeconds(ns: bigint): bigint {
  const seconds = ns / NS_PER_SECOND
  return ns < 0n && seconds * NS_PER_SECOND !== ns ? seconds - 1n : seconds
}
