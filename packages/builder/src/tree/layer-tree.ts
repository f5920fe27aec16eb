// SPDX-License-Identifier: Apache-2.0
/** Grows one layer's tree from its tar entries: replaced paths, missing parents, hard links. */
import { type ChunkInfo, FILE_TYPE } from '@nydus/rafs-format'
import { BuildError } from '../build-error.ts'
import type { TarEntry } from '../tar/entry.ts'
import { byteName, displayPath } from './byte-name.ts'
import { ChunkStore } from './chunk-store.ts'
import { createLinkResolver } from './hard-links.ts'
import { type ByteName, copyMembers, createNode, isDirectory, isSymlink, type Node } from './node.ts'
import { type ChunkRun, type NodeDefaults, nodeOfEntry } from './node-of-entry.ts'

/** A file system, and the chunks of its files. */
export interface FileTree {
  readonly root: Node
  readonly chunks: ChunkStore
}

/** A layer's tree while its tar is read. */
export interface LayerTree extends FileTree {
  /** Tar entries taken in so far. */
  readonly entryCount: number
  /** False for the index and landmark files of stargz layers, which are no part of the image: skip them whole. */
  accepts(entry: TarEntry): boolean
  /**
   * Adds `entry` and returns its node, which for a hard link is its target's; a later entry of the same path replaces the earlier one (a directory keeps its children).
   * @param chunks the file's chunks in file order, copied, or where they are in `chunks`; none for all but files.
   * @throws {BuildError} ERR_BUILD_PATH_ESCAPE below a symlink, ERR_BUILD_DUPLICATE_ENTRY below a file,
   *   ERR_BUILD_UNSUPPORTED_ENTRY for a root that is no directory or a hard link to a directory.
   */
  addEntry(entry: TarEntry, chunks: readonly ChunkInfo[] | ChunkRun): Node
  /**
   * Resolves hard links that came before their targets. Call it once, after the last entry.
   * @throws {BuildError} ERR_BUILD_UNSUPPORTED_ENTRY for a target that this layer does not have, unless such links
   *   are deferred.
   */
  finish(): void
}

/** How entries become a tree. */
export interface LayerTreeOptions {
  /**
   * What to do with a hard link whose target is not in this layer but may be in a lower one: leave a placeholder that
   * `mergeLayers` resolves, or refuse it.
   */
  readonly lowerLinks?: 'defer' | 'refuse'
  /** False gives everything to 0:0. Default true. */
  readonly explicitOwners?: boolean
  /** The tree is for a bootstrap of this version. Default 6. */
  readonly fsVersion?: 5 | 6
  /** Where chunk records go, default a new store. */
  readonly chunks?: ChunkStore
}

/** RAFS v5 builders write this as the device number of tar entries that are no devices. */
const V5_ORDINARY_RDEV = 0xffff_ffff

/** Root files that eStargz puts into layers for its own use. */
const STARGZ_FILES: ReadonlySet<ByteName> = new Set([
  'stargz.index.json',
  '.prefetch.landmark',
  '.no.prefetch.landmark',
])

/** A tree that has only a root: 0755, owner 0:0, mtime 0. */
export function createLayerTree(options: LayerTreeOptions = {}): LayerTree {
  const ordinaryRdev = options.fsVersion === 5 ? V5_ORDINARY_RDEV : 0
  const defaults: NodeDefaults = { explicitOwners: options.explicitOwners ?? true, ordinaryRdev }
  const root = impliedDirectory(defaults)
  const chunks = options.chunks ?? new ChunkStore()
  const links = createLinkResolver(root, options.lowerLinks ?? 'defer')
  let entryCount = 0
  return {
    root,
    chunks,
    get entryCount() {
      return entryCount
    },
    accepts: (entry) => entry.path.length !== 1 || !STARGZ_FILES.has(byteName(entry.path[0] as Uint8Array)),
    addEntry(entry, fileChunks) {
      const path = entry.path.map(byteName)
      const run = 'length' in fileChunks ? storeChunks(chunks, fileChunks) : fileChunks
      const node = entry.kind === 'hardlink' ? links.resolve(entry) : nodeOfEntry(entry, run, defaults)
      putNode(root, path, node, { offset: entry.offset, defaults })
      entryCount += 1
      return node
    },
    finish: () => links.finish(),
  }
}

function storeChunks(store: ChunkStore, chunks: readonly ChunkInfo[]): ChunkRun {
  return { chunkStart: store.addAll(chunks), chunkCount: chunks.length }
}

/** A directory that has no entry of its own: 0755 0:0 with mtime 0. */
function impliedDirectory({ ordinaryRdev }: NodeDefaults): Node {
  return createNode({ mode: FILE_TYPE.DIRECTORY | 0o755, rdev: ordinaryRdev })
}

interface Place {
  /** Of the entry in the tar. */
  readonly offset: number
  readonly defaults: NodeDefaults
}

/** Puts `node` at `path`, creating missing parents. */
function putNode(root: Node, path: readonly ByteName[], node: Node, place: Place): void {
  const name = path.at(-1)
  if (name === undefined) {
    replaceRoot(root, node, place.offset)
    return
  }
  const siblings = parentOf(root, path, place)
  const existing = siblings.get(name)
  if (existing?.children !== undefined && isDirectory(node)) node.children = existing.children
  siblings.set(name, node)
}

function replaceRoot(root: Node, node: Node, offset: number): void {
  if (!isDirectory(node)) {
    throw new BuildError(
      'ERR_BUILD_UNSUPPORTED_ENTRY',
      `the root is not a directory at 0x${offset.toString(16)}`,
      {
        details: { offset, mode: node.mode },
      },
    )
  }
  copyMembers(node, root)
}

function parentOf(root: Node, path: readonly ByteName[], place: Place): Map<ByteName, Node> {
  let directory = root
  for (const [depth, name] of path.slice(0, -1).entries()) {
    let next = directory.children?.get(name)
    if (next === undefined) {
      next = impliedDirectory(place.defaults)
      directory.children?.set(name, next)
    }
    if (next.children === undefined) throw notADirectory(next, path, depth, place.offset)
    directory = next
  }
  return directory.children as Map<ByteName, Node>
}

function notADirectory(node: Node, path: readonly ByteName[], depth: number, offset: number): BuildError {
  const parent = displayPath(path.slice(0, depth + 1))
  const details = { path: displayPath(path), parent, offset }
  if (isSymlink(node)) {
    const message = `${details.path} lies below the symlink ${parent}`
    return new BuildError('ERR_BUILD_PATH_ESCAPE', message, {
      details,
      hint: 'the layer writes through a link; rebuild it with the real path',
    })
  }
  return new BuildError(
    'ERR_BUILD_DUPLICATE_ENTRY',
    `${details.path} lies below ${parent}, which is not a directory`,
    {
      details,
    },
  )
}
