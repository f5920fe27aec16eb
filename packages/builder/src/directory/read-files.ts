// SPDX-License-Identifier: Apache-2.0
/** Reads the data of files straight into the batches that workers take. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { EntryNumbers } from '../bootstrap/number-entries.ts'
import { type Chunker, chunkCountOf } from '../chunk/chunker.ts'
import type { LayerCommits } from '../layer/layer-commits.ts'
import { nameBytes } from '../tree/byte-name.ts'
import type { Node } from '../tree/node.ts'
import { changedFile, joinPath, onPath } from './source-path.ts'

/** A link or a FIFO that took the file's place is not followed, and not waited for. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const NS_PER_SECOND = 1_000_000_000n

/** Where the files are. */
export interface FileSource {
  /** Raw bytes. */
  readonly root: Uint8Array
  readonly entries: EntryNumbers
  readonly chunkSize: number
  readonly signal: AbortSignal
  /** Called with the bytes of each file read. */
  onRead(bytes: number): void
}

/**
 * Reads files in the given order, each announced to `commits`.
 * @param numbers entry numbers of regular files with data.
 * @throws {BuildError} ERR_BUILD_IO for a file that cannot be read, or is not what it was when the directory was read.
 */
export async function readFiles(
  source: FileSource,
  numbers: readonly number[],
  commits: LayerCommits<Node>,
  chunker: Chunker,
): Promise<void> {
  const pathOf = entryPaths(source.root, source.entries)
  for (const number of numbers) {
    source.signal.throwIfAborted()
    const node = source.entries.nodes[number] as Node
    commits.expect(node, chunkCountOf(node.size, source.chunkSize))
    await readFile(pathOf(number), node, chunker)
    source.onRead(node.size)
  }
}

async function readFile(path: Buffer, node: Node, chunker: Chunker): Promise<void> {
  const fd = onPath(path, 'open', () => openSync(path, OPEN_FLAGS))
  try {
    await chunker.readFile(node.size, (target) => fill(fd, target, path))
    const { size, mtimeNs } = onPath(path, 'fstat', () => fstatSync(fd, { bigint: true }))
    if (size !== BigInt(node.size)) throw changedFile(path, `${size} bytes, ${node.size} before`)
    if (mtimeNs !== BigInt(node.mtime) * NS_PER_SECOND + BigInt(node.mtimeNsec)) {
      throw changedFile(path, 'somebody wrote to it')
    }
  } finally {
    closeSync(fd)
  }
}

function fill(fd: number, target: Uint8Array, path: Uint8Array): void {
  for (let filled = 0; filled < target.length; ) {
    const count = onPath(path, 'read', () => readSync(fd, target, filled, target.length - filled, null))
    if (count === 0) throw changedFile(path, `it ends ${target.length - filled} bytes early`)
    filled += count
  }
}

/** Paths by entry number; the one of the last directory is remembered. */
function entryPaths(root: Uint8Array, { names, directories }: EntryNumbers): (number: number) => Buffer {
  const parents = new Uint32Array(names.length)
  for (const { number, firstChild, childCount } of directories) {
    parents.fill(number, firstChild, firstChild + childCount)
  }
  let known: { readonly number: number; readonly path: Buffer } = { number: 0, path: Buffer.from(root) }
  const directoryPath = (number: number): Buffer => {
    const above: number[] = []
    for (let each = number; each !== 0; each = parents[each] as number) above.push(each)
    let path: Buffer = Buffer.from(root)
    for (const each of above.reverse()) path = joinPath(path, nameBytes(names[each] as string))
    return path
  }
  return (number) => {
    const parent = parents[number] as number
    if (known.number !== parent) known = { number: parent, path: directoryPath(parent) }
    return joinPath(known.path, nameBytes(names[number] as string))
  }
}
