// SPDX-License-Identifier: Apache-2.0
/** Statistics of images: what they hold, and how much of it they share. */
import type { Digester } from '@nydus/base/digest'
import { type Bootstrap, openBootstrap } from '@nydus/rafs-format'
import { type ChunkSizes, collectFigures } from './collect-figures.ts'
import {
  DEDUP_THRESHOLDS,
  type DedupFigures,
  emptyFigures,
  type ImageFigures,
  type ImageStatistics,
} from './image-statistics.ts'

/** Which images to count. */
export interface StatInput {
  readonly base: readonly (Uint8Array | Bootstrap)[]
  /** An image to compare with the base images. */
  readonly target?: Uint8Array | Bootstrap
  /** Count what the base images share with each other. */
  readonly dedup?: boolean
  /** Base images with chunk digests of another kind share nothing: default 'blake3'. */
  readonly digester?: Digester
}

/** A chunk of the base images. */
interface SharedChunk extends ChunkSizes {
  /** How many base images have it. */
  images: number
}

/**
 * Counts images. Only bootstraps are read.
 * @throws {FormatError} for a damaged bootstrap.
 */
export function statImages(input: StatInput): ImageStatistics {
  const digester = input.digester ?? 'blake3'
  const base = emptyFigures()
  const target = emptyFigures()
  const shared = new Map<string, SharedChunk>()
  for (const image of input.base) {
    const bootstrap = opened(image)
    const distinct = collectFigures(bootstrap, base)
    for (const chunk of distinct.values()) addOwn(base, chunk)
    if (bootstrap.digester === digester) addShared(shared, distinct)
  }
  base.uncomp_size += base.padding_size
  if (input.target !== undefined) countTarget(opened(input.target), target, shared)
  const dedup = input.dedup ?? false
  return {
    dedup_enabled: dedup,
    target_enabled: input.target !== undefined,
    base_image: base,
    target_image: target,
    dedup_thresholds: dedup ? countDedup(base, [...shared.values()]) : [],
  }
}

function opened(image: Uint8Array | Bootstrap): Bootstrap {
  return image instanceof Uint8Array ? openBootstrap(image) : image
}

function addOwn(figures: ImageFigures, { compressedSize, uncompressedSize }: ChunkSizes): void {
  figures.own_chunks += 1
  figures.own_comp_size += compressedSize
  figures.own_uncomp_size += uncompressedSize
}

function addShared(shared: Map<string, SharedChunk>, distinct: ReadonlyMap<string, ChunkSizes>): void {
  for (const [key, chunk] of distinct) {
    const known = shared.get(key)
    if (known === undefined) shared.set(key, { ...chunk, images: 1 })
    else known.images += 1
  }
}

function countTarget(
  bootstrap: Bootstrap,
  target: ImageFigures,
  shared: ReadonlyMap<string, SharedChunk>,
): void {
  for (const [key, chunk] of collectFigures(bootstrap, target)) {
    const found = shared.get(key)
    if (found?.uncompressedSize !== chunk.uncompressedSize) {
      addOwn(target, chunk)
      continue
    }
    target.ref_chunks += 1
    target.ref_comp_size += chunk.compressedSize
    target.ref_uncomp_size += chunk.uncompressedSize
  }
  target.uncomp_size += target.padding_size
}

function countDedup(base: ImageFigures, chunks: readonly SharedChunk[]): readonly DedupFigures[] {
  for (const { compressedSize, uncompressedSize } of chunks) {
    base.dedup_chunks += 1
    base.dedup_comp_size += compressedSize
    base.dedup_uncomp_size += uncompressedSize
  }
  return Array.from({ length: DEDUP_THRESHOLDS }, (_, threshold) => dedupAbove(threshold, chunks))
}

/** Chunks of more than `threshold` images are in the dictionary, the others in each image. */
function dedupAbove(threshold: number, chunks: readonly SharedChunk[]): DedupFigures {
  const figures: DedupFigures = {
    raw_chunks: 0,
    dedup_chunks: 0,
    comp_content_size: 0,
    comp_base_size: 0,
    comp_image_size: 0,
    uncomp_content_size: 0,
    uncomp_base_size: 0,
    uncomp_image_size: 0,
  }
  for (const { images, compressedSize, uncompressedSize } of chunks) {
    const inDictionary = images > threshold
    figures.raw_chunks += images
    figures.dedup_chunks += inDictionary ? 1 : images
    figures.comp_content_size += images * compressedSize
    figures.uncomp_content_size += images * uncompressedSize
    figures.comp_base_size += inDictionary ? compressedSize : 0
    figures.uncomp_base_size += inDictionary ? uncompressedSize : 0
    figures.comp_image_size += inDictionary ? 0 : images * compressedSize
    figures.uncomp_image_size += inDictionary ? 0 : images * uncompressedSize
  }
  return figures
}
