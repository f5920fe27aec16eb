// SPDX-License-Identifier: Apache-2.0
/** Statistics as the original prints them. */
import {
  CHUNK_SIZE_BITS,
  type DedupFigures,
  type ImageFigures,
  type ImageStatistics,
} from './image-statistics.ts'

/** What `nydus-image stat` prints: ends with a newline. */
export function formatStatisticsText(statistics: ImageStatistics): string {
  const { target_enabled, target_image, base_image, dedup_enabled, dedup_thresholds } = statistics
  return [
    ...(target_enabled ? ['Target Image Statistics:', ...imageLines(target_image)] : []),
    '\n\nBase Image Statistics:',
    ...imageLines(base_image),
    ...(dedup_enabled ? dedupLines(dedup_thresholds) : []),
    '',
  ].join('\n')
}

function imageLines(image: ImageFigures): string[] {
  return [
    '',
    `Directories:            ${image.dirs}`,
    `Files:                  ${image.files}`,
    `Symlinks:               ${image.symlinks}`,
    `Chunks:                 ${image.chunks}`,
    `File Size:              ${image.file_size}`,
    `Padding Size:           ${image.padding_size}`,
    `Uncompressed Size:      ${image.uncomp_size}`,
    `Compressed Size:        ${image.comp_size}`,
    '\nFile Size Bits:\t\tFile Count:',
    ...image.file_sizes.map((files, bits) => `${bits}:\t\t\t${files}`),
    '\nChunk Size Bits:\tChunk Count:',
    ...image.chunk_sizes.map((chunks, i) => `${CHUNK_SIZE_BITS.first + i}:\t\t\t${chunks}`),
    `\nRaw Content Size:\t${image.file_size}`,
    `Comp Content Size:\t${image.comp_size}`,
    `Raw Chunk Count:\t${image.chunks}`,
    `Dedup Comp Size:\t${image.dedup_comp_size}`,
    `Dedup Uncomp Size:\t${image.dedup_uncomp_size}`,
    `Dedup Chunk Count:\t${image.dedup_chunks}`,
    `Owned Comp Size:\t${image.own_comp_size}`,
    `Owned Uncomp Size:\t${image.own_uncomp_size}`,
    `Owned Chunk Count:\t${image.own_chunks}`,
    `Referenced Comp Size:\t${image.ref_comp_size}`,
    `Referenced Uncomp Size:\t${image.ref_uncomp_size}`,
    `Referenced Chunk Count:\t${image.ref_chunks}`,
  ]
}

const DEDUP_COLUMNS = [
  'Global Dedup Thresh:',
  'Raw Chunks:',
  'Dedup Chunks:',
  'Comp Content Size:',
  'Comp Base Size:',
  'Comp Image Size:',
  'Uncomp Content Size:',
  'Uncomp Base Size',
  'Uncomp Image Size',
]

function dedupLines(thresholds: readonly DedupFigures[]): string[] {
  const end = thresholds.findIndex(({ dedup_chunks }) => dedup_chunks === 0)
  const rows = end < 0 ? thresholds : thresholds.slice(0, end)
  return ['\n\nChunk Deduplication Statistics:', DEDUP_COLUMNS.join('\t'), ...rows.map(dedupLine)]
}

function dedupLine(figures: DedupFigures, threshold: number): string {
  const columns = [
    figures.raw_chunks,
    figures.dedup_chunks,
    figures.comp_content_size,
    figures.comp_base_size,
    figures.comp_image_size,
    figures.uncomp_content_size,
    figures.uncomp_base_size,
    figures.uncomp_image_size,
  ]
  const hex = columns.map((value) => `0x${value.toString(16).padEnd(14)}`)
  return `${String(threshold + 1).padEnd(24)}${hex.join('')}`
}
