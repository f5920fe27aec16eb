// SPDX-License-Identifier: Apache-2.0
/** Merges the bootstraps of an image's layers into the bootstrap of the image. */
import { BLOB_FEATURES, type BlobInfo, type Bootstrap, openBootstrap, SUPER_FLAGS } from '@nydus/rafs-format'
import { EROFS_BLOCK_BYTES } from '@nydus/rafs-format/layout'
import { type DeferredLink, loadTree } from '../bootstrap/load-tree.ts'
import { type LayoutPlan, planLayout } from '../bootstrap/plan-layout.ts'
import { type BlobDescription, writeBootstrap } from '../bootstrap/write-bootstrap.ts'
import { BuildError } from '../build-error.ts'
import { ChunkStore } from '../tree/chunk-store.ts'
import { checkLinkable, lookupNode, missingTarget } from '../tree/hard-links.ts'
import type { Node } from '../tree/node.ts'
import { type ImpliedDirectories, overlay } from './overlay.ts'

/** One layer, as `buildLayer` made it. */
export interface MergeSource {
  /** The raw bootstrap of the layer. */
  readonly bootstrap: Uint8Array
  /** Lower-case hex name under which the layer's blob is stored. */
  readonly blobId: string
}

/** How layers are merged. */
export interface MergeOptions {
  /** Absolute paths for the prefetch table; `/` is everything. */
  readonly prefetchPatterns?: readonly string[]
  /** 'keep-lower' by default; 'replace' gives the bytes of the original `merge` for layers without parent entries. */
  readonly impliedDirectories?: ImpliedDirectories
}

/** A merged image. */
export interface MergeResult {
  readonly bootstrap: Uint8Array
  /** Of the blobs that the image refers to, in the order of the blob table. */
  readonly blobIds: readonly string[]
}

/** In the bootstrap inside a blob the blob's own id is not known yet. */
const PLACEHOLDER_ID = 'x'.repeat(64)

/**
 * Merges layers, lowest first: whiteouts are applied, links into lower layers resolved, blobs that nothing refers to
 * left out. The same input gives the same bytes.
 * @throws {FormatError} for a damaged bootstrap.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT without layers or for layers of different chunk sizes,
 *   ERR_BUILD_UNSUPPORTED_ENTRY for a hard link whose target no lower layer has, and what `writeBootstrap` throws.
 */
export function mergeLayers(layers: readonly MergeSource[], options: MergeOptions = {}): MergeResult {
  const chunks = new ChunkStore()
  const blobs = new BlobList()
  let root: Node | undefined
  let top: Bootstrap | undefined
  for (const layer of layers) {
    const bootstrap = openBootstrap(layer.bootstrap)
    checkCompatible(bootstrap, top)
    const indexes = bootstrap.blobs.map((blob) => blobs.add(blob, layer.blobId, bootstrap.blobs.length === 1))
    const loaded = loadTree(bootstrap, chunks, (blobIndex) => indexes[blobIndex] as number)
    resolveDeferred(loaded.deferredLinks, root)
    root = overlay(root, loaded.root, options.impliedDirectories)
    top = bootstrap
  }
  if (root === undefined || top === undefined) {
    throw new BuildError('ERR_BUILD_OPTION_CONFLICT', 'no layers to merge')
  }
  const plan = planLayout(root, EROFS_BLOCK_BYTES)
  const used = blobs.inFirstUseOrder(plan, chunks)
  const input = {
    tree: { root, chunks },
    blobs: used,
    chunkSize: top.chunkSize,
    compressor: top.compressor,
    digester: top.digester,
    prefetchPatterns: options.prefetchPatterns ?? [],
    explicitOwners: (top.flags & SUPER_FLAGS.EXPLICIT_UID_GID) !== 0n,
    // Merged images always say so, even when no inode has any.
    extraFlags: SUPER_FLAGS.HAS_XATTR,
  }
  return { bootstrap: writeBootstrap(input, plan), blobIds: used.map(({ blobId }) => blobId) }
}

function checkCompatible(bootstrap: Bootstrap, below: Bootstrap | undefined): void {
  if ((bootstrap.flags & SUPER_FLAGS.TARFS_MODE) !== 0n) {
    throw new BuildError('ERR_BUILD_OPTION_CONFLICT', 'tarfs bootstraps cannot be merged')
  }
  if (below === undefined) return
  if (bootstrap.chunkSize !== below.chunkSize) {
    throw conflict('chunk size', below.chunkSize, bootstrap.chunkSize)
  }
  const owners = bootstrap.flags & SUPER_FLAGS.EXPLICIT_UID_GID
  if (owners !== (below.flags & SUPER_FLAGS.EXPLICIT_UID_GID)) {
    throw conflict('recording of owners', owners === 0n, owners !== 0n)
  }
}

function conflict(what: string, expected: unknown, found: unknown): BuildError {
  return new BuildError(
    'ERR_BUILD_OPTION_CONFLICT',
    `layers differ in ${what}: ${expected} below, ${found} on top`,
    { details: { what, expected, found }, hint: 'build all layers of an image with the same options' },
  )
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

/** The blobs of all layers, each once. */
class BlobList {
  readonly #blobs: BlobDescription[] = []
  readonly #indexes = new Map<string, number>()

  /**
   * @param isOnly the layer refers to no other blob, so this is its own; others may come from a chunk dictionary.
   * @returns the blob's index in the list.
   */
  add(blob: BlobInfo, layerBlobId: string, isOnly: boolean): number {
    const inlined = (blob.features & BLOB_FEATURES.INLINED_FS_META) !== 0
    const isOwn = isOnly || inlined || blob.blobId === PLACEHOLDER_ID
    const blobId = isOwn ? layerBlobId : blob.blobId
    const known = this.#indexes.get(blobId)
    if (known !== undefined) return known
    const features = (blob.features & ~BLOB_FEATURES.INLINED_FS_META) >>> 0
    this.#indexes.set(blobId, this.#blobs.length)
    return this.#blobs.push({ ...blob, blobId, features }) - 1
  }

  /** The blobs in the order in which the files of `plan` first use them; the chunks get those indexes. */
  inFirstUseOrder(plan: LayoutPlan, chunks: ChunkStore): BlobDescription[] {
    const order = new Map<number, number>()
    for (const { chunkStart, chunkCount } of plan.nodes) {
      for (let i = 0; i < chunkCount; i++) {
        const { blobIndex } = chunks.get(chunkStart + i)
        if (!order.has(blobIndex)) order.set(blobIndex, order.size)
      }
    }
    chunks.mapBlobIndexes((blobIndex) => order.get(blobIndex) ?? 0)
    return [...order.keys()].map((blobIndex) => this.#blobs[blobIndex] as BlobDescription)
  }
}
