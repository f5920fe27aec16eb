// SPDX-License-Identifier: Apache-2.0
/** The image that a build goes on top of. */
import { BLOB_FEATURES, type BlobInfo, type Bootstrap, openBootstrap, SUPER_FLAGS } from '@nydus/rafs-format'
import { loadTree } from '../bootstrap/load-tree.ts'
import { numberEntries } from '../bootstrap/number-entries.ts'
import { BuildError } from '../build-error.ts'
import { type ChunkDict, digestKey } from '../chunk/chunk-dict.ts'
import { type ImpliedDirectories, overlay } from '../image/overlay.ts'
import type { ChunkStore } from '../tree/chunk-store.ts'
import { resolvePlaceholders } from '../tree/hard-links.ts'
import type { FileTree } from '../tree/layer-tree.ts'
import type { Node } from '../tree/node.ts'
import type { BuildPlan } from './build-options.ts'

/** An open parent. */
export interface ParentImage {
  /** Its chunks; its blobs lead the blob table of what is built. */
  readonly dict: ChunkDict
  /**
   * Puts a tree on top, once: whiteouts are applied, hard links into the parent resolved.
   * @param implied what directories do that the upper tree has no entries for.
   * @throws {BuildError} ERR_BUILD_UNSUPPORTED_ENTRY for a hard link to nothing.
   */
  putOnTop(upper: Node, implied: ImpliedDirectories): FileTree
}

/**
 * Opens the parent of a build.
 * @param bootstrap undefined for none.
 * @param records takes in the records of its chunks.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT when it was built with other options, {FormatError} when it is damaged.
 */
export function openParent(
  bootstrap: Uint8Array | undefined,
  plan: BuildPlan,
  records: ChunkStore,
): ParentImage | undefined {
  if (bootstrap === undefined) return undefined
  const image = openBootstrap(bootstrap)
  checkParent(image, plan)
  const { root } = loadTree(image, records)
  return {
    dict: dictOf(image, root, records, plan),
    putOnTop(upper, implied) {
      resolvePlaceholders(upper, root)
      return { root: overlay(root, upper, implied, plan.whiteoutSpec), chunks: records }
    },
  }
}

function checkParent(image: Bootstrap, plan: BuildPlan): void {
  const aspects = [
    ['RAFS version', image.fsVersion, plan.fsVersion],
    ['chunk size', image.chunkSize, plan.chunkSize],
    ['recording of owners', (image.flags & SUPER_FLAGS.EXPLICIT_UID_GID) !== 0n, plan.explicitOwners],
    ['digest algorithm', plan.fsVersion === 5 ? image.digester : plan.digester, plan.digester],
    ['tarfs mode', (image.flags & SUPER_FLAGS.TARFS_MODE) !== 0n, false],
  ] as const
  for (const [what, found, expected] of aspects) {
    if (found === expected) continue
    throw new BuildError(
      'ERR_BUILD_OPTION_CONFLICT',
      `the parent differs in ${what}: ${found}, this build has ${expected}`,
      { details: { what, expected, found }, hint: 'build all layers of an image with the same options' },
    )
  }
}

/** The parent's blobs as another bootstrap refers to them. */
function blobsOf(image: Bootstrap): BlobInfo[] {
  return image.blobs.map((blob) => {
    if (/^x+$/.test(blob.blobId)) {
      throw new BuildError('ERR_BUILD_OPTION_CONFLICT', 'the parent does not know the id of its blob', {
        details: { blobIndex: blob.blobIndex },
        hint: 'merge the layer first, which gives its blob an id',
      })
    }
    return { ...blob, features: (blob.features & ~BLOB_FEATURES.INLINED_FS_META) >>> 0 }
  })
}

/** Finds the parent's chunks, each where it is met first in the order of entry numbers. */
function dictOf(image: Bootstrap, root: Node, records: ChunkStore, plan: BuildPlan): ChunkDict {
  const first = new Map<string, number>()
  const blobs = blobsOf(image)
  for (const { chunkStart, chunkCount } of numberEntries(root).nodes) {
    for (let record = chunkStart; record < chunkStart + chunkCount; record++) {
      const { digest, blobIndex, compressedSize } = records.get(record)
      const key = digestKey(digest)
      if (first.has(key) || !isReusable(blobs[blobIndex], compressedSize, plan)) continue
      first.set(key, record)
    }
  }
  return {
    chunkSize: image.chunkSize,
    digester: plan.digester,
    blobs,
    find(digest, size) {
      const record = first.get(digestKey(digest))
      const chunk = record === undefined ? undefined : records.get(record)
      return chunk?.uncompressedSize === size ? chunk : undefined
    },
  }
}

/** Digests must be of the same kind, and batched chunks have no place of their own. */
function isReusable(blob: BlobInfo | undefined, compressedSize: number, { digester }: BuildPlan): boolean {
  return blob?.digester === digester && compressedSize > 0
}
