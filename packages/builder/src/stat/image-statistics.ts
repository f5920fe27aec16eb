// SPDX-License-Identifier: Apache-2.0
/** What images are made of: entries, sizes, chunks. Names are those of the original's JSON, in its order. */

/** Sums over the base images, or over the target image. Sizes are bytes. */
export interface ImageFigures {
  dirs: number
  /** Every path of a hard-linked file counts. */
  files: number
  symlinks: number
  /** Chunks of all files, the same chunk as often as it is used. Hard-linked files count once from here on. */
  chunks: number
  file_size: number
  comp_size: number
  /** With the padding of each file to 4096. */
  uncomp_size: number
  padding_size: number
  /** Chunks that the files would have with chunks of 2^12, 2^13 … 2^20 bytes. */
  readonly chunk_sizes: number[]
  /** Files by the number of bits in their size: 0 … 44, the last with all bigger ones. */
  readonly file_sizes: number[]
  /** Distinct chunks of all base images together, when they are deduplicated. */
  dedup_chunks: number
  dedup_comp_size: number
  dedup_uncomp_size: number
  /** Base: distinct chunks of each image. Target: those that no base image has. */
  own_chunks: number
  own_comp_size: number
  own_uncomp_size: number
  /** Target: distinct chunks that a base image has. */
  ref_chunks: number
  ref_comp_size: number
  ref_uncomp_size: number
}

/** What a dictionary of the chunks that occur in so many base images or more would save. Sizes are bytes. */
export interface DedupFigures {
  raw_chunks: number
  dedup_chunks: number
  comp_content_size: number
  comp_base_size: number
  comp_image_size: number
  uncomp_content_size: number
  uncomp_base_size: number
  uncomp_image_size: number
}

/** The result of `statImages`. */
export interface ImageStatistics {
  readonly dedup_enabled: boolean
  readonly target_enabled: boolean
  readonly base_image: ImageFigures
  readonly target_image: ImageFigures
  /** By threshold: the dictionary has chunks of more than 0, 1 … 19 images. Not part of the JSON. */
  readonly dedup_thresholds: readonly DedupFigures[]
}

/** Sizes of chunks that `chunk_sizes` is about: powers of two. */
export const CHUNK_SIZE_BITS = { first: 12, last: 20 } as const
/** Highest bit count of `file_sizes`. */
export const MAX_FILE_SIZE_BITS = 44
/** How many thresholds are looked at. */
export const DEDUP_THRESHOLDS = 20

/** All zero. */
export function emptyFigures(): ImageFigures {
  return {
    dirs: 0,
    files: 0,
    symlinks: 0,
    chunks: 0,
    file_size: 0,
    comp_size: 0,
    uncomp_size: 0,
    padding_size: 0,
    chunk_sizes: new Array<number>(CHUNK_SIZE_BITS.last - CHUNK_SIZE_BITS.first + 1).fill(0),
    file_sizes: new Array<number>(MAX_FILE_SIZE_BITS + 1).fill(0),
    dedup_chunks: 0,
    dedup_comp_size: 0,
    dedup_uncomp_size: 0,
    own_chunks: 0,
    own_comp_size: 0,
    own_uncomp_size: 0,
    ref_chunks: 0,
    ref_comp_size: 0,
    ref_uncomp_size: 0,
  }
}

/** One line of JSON, members in the original's order. */
export function formatStatisticsJson(statistics: ImageStatistics): string {
  const { dedup_enabled, target_enabled, base_image, target_image } = statistics
  return JSON.stringify({ dedup_enabled, target_enabled, base_image, target_image })
}
