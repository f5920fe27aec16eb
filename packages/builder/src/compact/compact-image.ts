// SPDX-License-Identifier: Apache-2.0
/**
 * Compaction: fewer and denser blobs for an image whose blobs are small or hardly used. The file system stays the same.
 *
 *   load → replace by the dictionary → choose blobs → copy used chunks into new blobs → write the bootstrap
 */
import { type BlobInfo, type Bootstrap, type ChunkInfo, openBootstrap, SUPER_FLAGS } from '@nydus/rafs-format'
import { loadTree } from '../bootstrap/load-tree.ts'
import type { BlobDescription } from '../bootstrap/write-bootstrap.ts'
import { BuildError } from '../build-error.ts'
import type { ChunkReader } from '../chunk-reader.ts'
import { ChunkStore } from '../tree/chunk-store.ts'
import { type BlobChoice, chooseBlobs } from './choose-blobs.ts'
import { type CompactOptions, planCompaction } from './compact-options.ts'
import { replaceByDict } from './dict-chunks.ts'
import type { CreateBlob } from './new-blob.ts'
import { type ChunkPlaces, repackBlob, writableCompressor } from './repack-blob.ts'
import { mapChunks, rewriteBootstrap } from './rewrite-bootstrap.ts'
import { findUsedChunks, type UsedChunks } from './used-chunks.ts'

/** What is compacted, and how. */
export interface CompactInput extends CompactOptions {
  readonly bootstrap: Uint8Array | Bootstrap
  /** Reads the blobs of that bootstrap. */
  readonly reader: ChunkReader
  /** Called once for each new blob, one after the other. */
  readonly createBlob: CreateBlob
  /** Bootstrap of a chunk dictionary: chunks that it has are taken from its blobs. */
  readonly dict?: Uint8Array | Bootstrap
  readonly signal?: AbortSignal
}

/** A compacted image. */
export interface CompactedImage {
  readonly bootstrap: Uint8Array
  /** In table order. */
  readonly blobs: readonly BlobDescription[]
  readonly blobIds: readonly string[]
  /** The blobs that were written, with the bytes of their files. */
  readonly newBlobs: readonly { readonly blobId: string; readonly size: number }[]
  /** Blobs of the source that the image no longer refers to. */
  readonly removedBlobIds: readonly string[]
}

/**
 * Compacts an image. Blobs that files no longer use are left out; source layers (zran), external blobs and blobs of the
 * dictionary stay as they are; new blobs of an encrypted image are encrypted with keys of their own.
 * @returns undefined for an image of fewer than `layersToCompact` blobs: nothing is written.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for an option out of range or an image that cannot be compacted,
 *   ERR_BUILD_DICT_MISMATCH, {DigestError} for damaged chunks, {FormatError} for a damaged bootstrap, and what `reader` and
 *   the blobs throw. New blobs that are not complete are discarded.
 */
export async function compactImage(input: CompactInput): Promise<CompactedImage | undefined> {
  const options = planCompaction(input)
  const source = input.bootstrap instanceof Uint8Array ? openBootstrap(input.bootstrap) : input.bootstrap
  checkCompactable(source)
  if (source.blobs.length < options.layersToCompact) return undefined
  const loaded = new ChunkStore()
  const { root } = loadTree(source, loaded)
  const { chunks, blobs, isFromDict } = replaceByDict(source, loaded, input.dict)
  const used = findUsedChunks(source.fsVersion, chunks)
  const choice = chooseBlobs(blobs, used, options, isFromDict)
  const table = new NewTable(blobs, choice)
  for (const [group, members] of choice.rebuilt.entries()) {
    const wanted = members.flatMap((index) => chunksInOrder(used.get(index)))
    const { description, places, size } = await repackBlob(source, wanted, input)
    table.setRebuilt(group, description, places, size)
  }
  return table.finish(source, (map) => {
    const tree = { root, chunks: mapChunks(chunks, map) }
    return rewriteBootstrap(source, tree, table.blobs)
  })
}

function checkCompactable(source: Bootstrap): void {
  if ((source.flags & SUPER_FLAGS.TARFS_MODE) !== 0n) {
    throw new BuildError(
      'ERR_BUILD_OPTION_CONFLICT',
      'the blobs of a tarfs image are its tars, which stay as they are',
    )
  }
  writableCompressor(source)
}

function chunksInOrder(used: UsedChunks | undefined): readonly ChunkInfo[] {
  return [...(used?.chunks.values() ?? [])].sort((a, b) => a.uncompressedOffset - b.uncompressedOffset)
}

type MapChunk = (chunk: ChunkInfo) => ChunkInfo

/** The blob table as it becomes: kept blobs and new ones, each where its first member was. */
class NewTable {
  readonly blobs: BlobDescription[] = []
  /** Blob index before → after. */
  readonly #moved = new Map<number, number>()
  /** By blob index before. */
  readonly #places = new Map<number, ChunkPlaces>()
  readonly #groups: readonly (readonly number[])[]
  readonly #newBlobs: { readonly blobId: string; readonly size: number }[] = []

  constructor(source: readonly BlobInfo[], { kept, rebuilt }: BlobChoice) {
    this.#groups = rebuilt
    for (const blob of source) {
      const group = rebuilt.findIndex((members) => members.includes(blob.blobIndex))
      const first = group === -1 ? blob.blobIndex : Math.min(...(rebuilt[group] as readonly number[]))
      if (group === -1 && !kept.has(blob.blobIndex)) continue
      if (first !== blob.blobIndex) continue
      for (const member of rebuilt[group] ?? [blob.blobIndex]) this.#moved.set(member, this.blobs.length)
      this.blobs.push(blob)
    }
  }

  setRebuilt(group: number, blob: BlobDescription, places: ChunkPlaces, size: number): void {
    for (const member of this.#groups[group] ?? []) {
      this.blobs[this.#moved.get(member) as number] = blob
      this.#places.set(member, places)
    }
    this.#newBlobs.push({ blobId: blob.blobId, size })
  }

  finish(source: Bootstrap, write: (map: MapChunk) => Uint8Array): CompactedImage {
    const bootstrap = write((chunk) => {
      const blobIndex = this.#moved.get(chunk.blobIndex) as number
      const place = this.#places.get(chunk.blobIndex)?.find(chunk)
      return place === undefined
        ? { ...chunk, blobIndex }
        : { ...place, blobIndex, fileOffset: chunk.fileOffset }
    })
    const blobIds = this.blobs.map(({ blobId }) => blobId)
    return {
      bootstrap,
      blobs: this.blobs,
      blobIds,
      newBlobs: this.#newBlobs,
      removedBlobIds: source.blobs.map(({ blobId }) => blobId).filter((blobId) => !blobIds.includes(blobId)),
    }
  }
}
