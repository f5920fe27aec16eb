// SPDX-License-Identifier: Apache-2.0
/** One directory → blob and bootstrap. */
import { numberEntries } from '../bootstrap/number-entries.ts'
import { setDirectorySizes } from '../bootstrap/plan-v5.ts'
import type { BlobDescription } from '../bootstrap/write-bootstrap.ts'
import { type BlobBuild, finishBuild } from '../layer/blob-build.ts'
import { type BlobSession, storeFiles, withBlobSession } from '../layer/blob-session.ts'
import { openParent, type ParentImage } from '../layer/parent.ts'
import type { FileTree } from '../tree/layer-tree.ts'
import type { Node } from '../tree/node.ts'
import type { ChunkRun } from '../tree/node-of-entry.ts'
import { buildExternal } from './build-external.ts'
import { orderFiles } from './data-order.ts'
import type { BuildDirectoryOptions } from './directory-options.ts'
import { splitExternal } from './external-tree.ts'
import { parseFileAttributes } from './file-attributes.ts'
import { readFiles } from './read-files.ts'
import { type ScannedTree, scanDirectory } from './scan-directory.ts'

/** A built directory. */
export interface DirectoryBuild extends BlobBuild {
  /** Entries of the directory, at any depth. */
  readonly entryCount: number
  /** The bootstrap of the external files; of a root alone where `attributes` names none. */
  readonly external: Uint8Array
  /** Its blob table. */
  readonly externalBlobs: readonly BlobDescription[]
}

/**
 * Builds the blob and bootstrap of a directory as it is: owners, modes, times, links, devices and, given a reader, xattrs.
 * Files are read on this thread, so it must not be the one that serves the file system they are on. Without a parent,
 * whiteouts are left out. The same tree gives the same bytes.
 * @param path of the directory; as bytes where it is no UTF-8 text.
 * @throws {BuildError} ERR_BUILD_IO for what cannot be read and for files that change, shrink or vanish meanwhile,
 *   ERR_BUILD_UNSUPPORTED_ENTRY for xattrs that an image cannot hold, ERR_BUILD_OPTION_CONFLICT, ERR_INTERRUPTED; and what
 *   the sink throws. After a rejection no new write reaches the sink.
 * @example
 * const build = await buildDirectory('rootfs', { pool, sink, readXattrs: await openXattrReader() })
 */
export function buildDirectory(
  path: string | Uint8Array,
  options: BuildDirectoryOptions,
): Promise<DirectoryBuild> {
  const source = typeof path === 'string' ? Buffer.from(path) : path
  return withBlobSession(options, (session) => buildFromDirectory(source, options, session))
}

async function buildFromDirectory(
  source: Uint8Array,
  options: BuildDirectoryOptions,
  session: BlobSession,
): Promise<DirectoryBuild> {
  const { plan, records } = session
  const attributes = options.attributes === undefined ? undefined : parseFileAttributes(options.attributes)
  const parent = openParent(options.parent, plan, records)
  const scanned = await scanDirectory(source, {
    explicitOwners: plan.explicitOwners,
    dropWhiteouts: parent === undefined ? plan.whiteoutSpec : 'none',
    readXattrs: options.readXattrs,
    signal: session.stop.signal,
  })
  const externalTree = splitExternal(scanned.root, attributes)
  if (plan.fsVersion === 5) for (const root of [scanned.root, externalTree.root]) setDirectorySizes(root)
  const tree = parent?.putOnTop(scanned.root, 'replace') ?? { root: scanned.root, chunks: records }
  const build = await storeTree(source, scanned, tree, parent, session)
  const hasXattrs = tree.root !== undefined && someNode(tree.root, ({ xattrs }) => xattrs.length > 0)
  const external = buildExternal(externalTree, plan, options.parent, hasXattrs)
  return Object.assign(build, {
    entryCount: scanned.entryCount,
    external: external.bootstrap,
    externalBlobs: external.blobs,
  })
}

async function storeTree(
  root: Uint8Array,
  scanned: ScannedTree,
  tree: FileTree,
  parent: ParentImage | undefined,
  session: BlobSession,
): Promise<BlobBuild> {
  const { options, plan, blob, stop } = session
  const entries = numberEntries(tree.root)
  const patterns = plan.prefetchPolicy === 'none' ? [] : (options.prefetchPatterns ?? [])
  const order = orderFiles(entries, patterns, scanned.linked)
  let sourceBytes = 0
  let stored = 0
  let prefetchSize = 0
  const sink = {
    known: { dict: options.dict, parent: parent?.dict },
    addFile(node: Node, run: ChunkRun) {
      Object.assign(node, run)
      stored += 1
      if (stored === order.prefetchCount) prefetchSize = blob.position
    },
    get sourceBytes() {
      return sourceBytes
    },
  }
  const onRead = (bytes: number) => {
    sourceBytes += bytes
  }
  const source = { root, entries, chunkSize: plan.chunkSize, signal: stop.signal, onRead }
  const chunks = await storeFiles<Node>(session, sink, (commits, chunker) =>
    readFiles(source, order.numbers, commits, chunker),
  )
  return finishBuild(session, tree, chunks, plan.prefetchPolicy === 'blob' ? prefetchSize : 0)
}

function someNode(root: Node, test: (node: Node) => boolean): boolean {
  const pending = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (test(node)) return true
    for (const child of node.children?.values() ?? []) pending.push(child)
  }
  return false
}
