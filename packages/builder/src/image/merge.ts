// SPDX-License-Identifier: Apache-2.0
/** Merges the bootstraps of an image's layers into the bootstrap of the image. */
import type { Compressor } from '@nydus/base/compress'
import type { Digester } from '@nydus/base/digest'
import { type Bootstrap, openBootstrap, SUPER_FLAGS } from '@nydus/rafs-format'
import { type DeferredLink, loadTree } from '../bootstrap/load-tree.ts'
import { numberEntries } from '../bootstrap/number-entries.ts'
import { type BlobDescription, writeBootstrap } from '../bootstrap/write-bootstrap.ts'
import { BuildError } from '../build-error.ts'
import { DEFAULT_CHUNK_SIZE, type FsVersion } from '../layer/build-options.ts'
import { ChunkStore } from '../tree/chunk-store.ts'
import { checkLinkable, lookupNode, missingTarget } from '../tree/hard-links.ts'
import type { Node } from '../tree/node.ts'
import { BlobList } from './blob-list.ts'
import { checkCompatible, isTarfs } from './layer-compatibility.ts'
import { describeSourceBlobs, type MergeSource, type SourceContext } from './merge-source.ts'
import { type ImpliedDirectories, overlay } from './overlay.ts'

/** How layers are merged. */
export interface MergeOptions {
  /** Absolute paths for the prefetch table; `/` is everything. */
  readonly prefetchPatterns?: readonly string[]
  /** 'keep-lower' by default; 'replace' gives the bytes of the original `merge` for layers without parent entries. */
  readonly impliedDirectories?: ImpliedDirectories
  /** An image below all layers; its blobs keep their ids. */
  readonly parent?: MergeSource
  /** Bootstrap of the chunk dictionary that the layers were built with: blobs that it has are nobody's own. */
  readonly chunkDict?: Uint8Array
  /** The layers' bootstraps call their blobs by the right ids, so `MergeSource.blobId` is for those without one. */
  readonly blobsAccessible?: boolean
}

/** A merged image. */
export interface MergeResult {
  readonly bootstrap: Uint8Array
  /** Of the blobs that the image refers to, in the order of the blob table. */
  readonly blobIds: readonly string[]
  /** Their entries of the blob table. */
  readonly blobs: readonly BlobDescription[]
  readonly fsVersion: FsVersion
  /** Of the last layer, as the superblock has it; each blob has its own. */
  readonly compressor: Compressor
  readonly digester: Digester
}

/** The image so far. */
interface Merging {
  readonly chunks: ChunkStore
  readonly blobs: BlobList
  root: Node | undefined
  /** That of the layers, or the default as long as none of them refers to a blob. */
  chunkSize: number
  /** SUPER_FLAGS that one layer gives to the whole image. */
  layerFlags: bigint
}

/**
 * Merges layers, lowest first: whiteouts are applied, links into lower layers resolved, blobs that nothing refers to
 * left out. The same input gives the same bytes.
 * @throws {FormatError} for a damaged bootstrap.
 * @throws {BuildError} ERR_BUILD_LAYER_MISMATCH for layers that were built with other chunk sizes, RAFS versions …,
 *   ERR_BUILD_OPTION_CONFLICT without layers, for a layer with several blobs of its own and for tarfs layers with a
 *   parent or a chunk dictionary, ERR_BUILD_UNSUPPORTED_ENTRY for a hard link whose target no lower layer has, and what
 *   `writeBootstrap` throws.
 */
export function mergeLayers(layers: readonly MergeSource[], options: MergeOptions = {}): MergeResult {
  const merging: Merging = {
    chunks: new ChunkStore(),
    blobs: new BlobList(),
    root: undefined,
    chunkSize: DEFAULT_CHUNK_SIZE,
    layerFlags: 0n,
  }
  const dict = options.chunkDict && openBootstrap(options.chunkDict)
  let reference = dict
  let top: Bootstrap | undefined
  if (options.parent !== undefined) {
    const parent = openBootstrap(options.parent.bootstrap)
    reference ??= parent
    checkCompatible(parent, reference)
    checkTarfs(parent, options)
    addLayer(merging, options.parent, parent, { ...contextOf(parent, dict), blobsAccessible: true }, options)
  }
  for (const layer of layers) {
    const bootstrap = openBootstrap(layer.bootstrap)
    reference ??= bootstrap
    checkCompatible(bootstrap, reference)
    checkTarfs(bootstrap, options)
    const blobsAccessible = options.blobsAccessible ?? false
    addLayer(merging, layer, bootstrap, { ...contextOf(bootstrap, dict), blobsAccessible }, options)
    top = bootstrap
  }
  if (merging.root === undefined || top === undefined)
    throw new BuildError('ERR_BUILD_OPTION_CONFLICT', 'no layers to merge')
  return writeMerged(merging, merging.root, top, options)
}

function contextOf(
  bootstrap: Bootstrap,
  dict: Bootstrap | undefined,
): Omit<SourceContext, 'blobsAccessible'> {
  return { flags: bootstrap.flags, dictIds: dict && new Set(dict.blobs.map(({ blobId }) => blobId)) }
}

/** Nothing of a tarfs image can come from somewhere else: its blobs are the tars of its layers. */
function checkTarfs(bootstrap: Bootstrap, { parent, chunkDict }: MergeOptions): void {
  if (!isTarfs(bootstrap) || (parent ?? chunkDict) === undefined) return
  const what = parent === undefined ? 'a chunk dictionary' : 'a parent bootstrap'
  throw new BuildError('ERR_BUILD_OPTION_CONFLICT', `tarfs layers cannot be merged with ${what}`)
}

function addLayer(
  merging: Merging,
  source: MergeSource,
  bootstrap: Bootstrap,
  context: SourceContext,
  options: MergeOptions,
): void {
  const { entries } = describeSourceBlobs(source, bootstrap.blobs, context)
  const indexes = entries.map((blob) => merging.blobs.add(blob))
  merging.layerFlags |= bootstrap.flags & SUPER_FLAGS.ENCRYPTION_AES_128_XTS
  if (indexes.length > 0) merging.chunkSize = bootstrap.chunkSize
  const loaded = loadTree(bootstrap, merging.chunks, (blobIndex) => indexes[blobIndex] as number)
  resolveDeferred(loaded.deferredLinks, merging.root)
  merging.root = overlay(merging.root, loaded.root, options.impliedDirectories)
}

/** Links are made before whiteouts remove their targets, as if the layer were unpacked. */
function resolveDeferred(links: readonly DeferredLink[], lower: Node | undefined): void {
  for (const { path, target, siblings } of links) {
    const node = lower && lookupNode(lower, target)
    if (node === undefined) throw missingTarget(path, target)
    checkLinkable(node, path, target)
    siblings.set(path.at(-1) as string, node)
  }
}

function writeMerged(
  { blobs, chunks, chunkSize, layerFlags }: Merging,
  root: Node,
  top: Bootstrap,
  { prefetchPatterns = [] }: MergeOptions,
): MergeResult {
  const { fsVersion, compressor, digester } = top
  const used = blobs.inFirstUseOrder(numberEntries(root).nodes, chunks)
  const input = {
    fsVersion,
    tree: { root, chunks },
    blobs: used,
    chunkSize,
    compressor,
    digester,
    prefetchPatterns,
    explicitOwners: (top.flags & SUPER_FLAGS.EXPLICIT_UID_GID) !== 0n,
    extraFlags: layerFlags | extraFlags(top),
  }
  const bootstrap = writeBootstrap(input)
  return {
    bootstrap,
    blobIds: used.map(({ blobId }) => blobId),
    blobs: used,
    fsVersion,
    compressor,
    digester,
  }
}

/** Merged images of RAFS v6 always say that they have xattrs, even when no inode has any. */
function extraFlags(top: Bootstrap): bigint {
  const tarfs = isTarfs(top) ? SUPER_FLAGS.TARFS_MODE : 0n
  return top.fsVersion !== 5 ? SUPER_FLAGS.HAS_XATTR | tarfs : 0n
}
