// SPDX-License-Identifier: Apache-2.0
/**
 * One layer's tar → what it changes. Written for the check alone, apart from the builder's tree, so that both do not
 * share a mistake. Whiteouts are `.wh.NAME` (NAME goes) and `.wh..wh..opq` (everything below goes).
 * Spec: https://github.com/opencontainers/image-spec/blob/main/layer.md#representing-changes
 */
import { decodeLayer, readTar, type TarEntry } from '@nydus/builder'
import { type ByteText, byteText } from '../byte-path.ts'
import { type ChunkScheme, digestContent } from './digest-content.ts'
import { putNode } from './put-node.ts'
import { impliedDirectory, nodeAt, nodeOfEntry, type SourceNode } from './source-node.ts'

/** A hard link whose target this layer does not have. */
export interface LowerLink {
  readonly path: readonly ByteText[]
  readonly target: readonly ByteText[]
}

/** What one layer adds, replaces and removes. */
export interface LayerChanges {
  /** Entries of the layer; directories without an entry of their own are implied. */
  readonly root: SourceNode
  /** Paths that go before anything of this layer comes, joined with `/`. */
  readonly removed: readonly (readonly ByteText[])[]
  /** Directories whose lower content goes. */
  readonly opaque: readonly (readonly ByteText[])[]
  readonly lowerLinks: readonly LowerLink[]
}

const WHITEOUT_PREFIX = '.wh.'
const OPAQUE_NAME = '.wh..wh..opq'
/** Other names with this prefix are bookkeeping of AUFS, no part of an image. */
const AUFS_PREFIX = '.wh..wh.'
/** Root files that eStargz layers carry for their readers. */
const STARGZ_NAMES: ReadonlySet<ByteText> = new Set([
  'stargz.index.json',
  '.prefetch.landmark',
  '.no.prefetch.landmark',
])

/** What `readLayerChanges` works with. */
export interface ReadLayerOptions {
  readonly scheme: ChunkScheme
  readonly signal?: AbortSignal
  /** Called for every entry. */
  readonly onEntry?: () => void
}

/**
 * Reads a stored layer to its end.
 * @throws {NydusError} ERR_BUILD_UNSUPPORTED_ENTRY, ERR_BUILD_PATH_ESCAPE and what `readTar` and `decodeLayer` throw.
 */
export async function readLayerChanges(
  stored: AsyncIterable<Uint8Array>,
  options: ReadLayerOptions,
): Promise<LayerChanges> {
  const changes = { root: impliedDirectory(), removed: [], opaque: [], lowerLinks: [] } as MutableChanges
  const tarOptions = options.signal === undefined ? {} : { signal: options.signal }
  for await (const entry of readTar(decodeLayer(stored), tarOptions)) {
    options.onEntry?.()
    const path = entry.path.map(byteText)
    if (path.length === 1 && STARGZ_NAMES.has(path[0] as ByteText)) continue
    if (!noteWhiteout(changes, path)) await addEntry(changes, path, entry, options.scheme)
  }
  resolveLateLinks(changes)
  return changes
}

interface MutableChanges {
  root: SourceNode
  removed: (readonly ByteText[])[]
  opaque: (readonly ByteText[])[]
  lowerLinks: LowerLink[]
}

function noteWhiteout(changes: MutableChanges, path: readonly ByteText[]): boolean {
  const name = path.at(-1)
  if (name === undefined || !name.startsWith(WHITEOUT_PREFIX)) return false
  const directory = path.slice(0, -1)
  if (name === OPAQUE_NAME) changes.opaque.push(directory)
  else if (!name.startsWith(AUFS_PREFIX))
    changes.removed.push([...directory, name.slice(WHITEOUT_PREFIX.length)])
  return true
}

async function addEntry(
  changes: MutableChanges,
  path: readonly ByteText[],
  entry: TarEntry,
  scheme: ChunkScheme,
): Promise<void> {
  if (entry.kind === 'hardlink') {
    const target = splitTarget(byteText(entry.target ?? new Uint8Array(0)))
    const node = nodeAt(changes.root, target)
    if (node === undefined) changes.lowerLinks.push({ path, target })
    else putNode(changes.root, path, node)
    return
  }
  const digests = entry.kind === 'file' ? await digestContent(entry.content, scheme) : undefined
  putNode(changes.root, path, nodeOfEntry(entry, digests))
}

/** Links that came before their targets in the tar. */
function resolveLateLinks(changes: MutableChanges): void {
  for (let progress = true; progress; ) {
    const pending = changes.lowerLinks.splice(0)
    for (const link of pending) {
      if (nodeAt(changes.root, link.path) !== undefined) continue // a later entry took its place
      const node = nodeAt(changes.root, link.target)
      if (node === undefined) changes.lowerLinks.push(link)
      else putNode(changes.root, link.path, node)
    }
    progress = changes.lowerLinks.length < pending.length
  }
}

function splitTarget(target: ByteText): readonly ByteText[] {
  return target.split('/').filter((component) => component !== '' && component !== '.')
}
