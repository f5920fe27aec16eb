// SPDX-License-Identifier: Apache-2.0
/** Reports of `inspect` for people. */
import { formatBytes, shortDigest } from '../render/format.ts'
import type { PathDifference, SharedContent } from './compare-images.ts'
import type { UsedSpace } from './disk-usage.ts'
import type { BlobReport, ImageReport, IndexEntryReport, LayerReport, RafsReport } from './image-report.ts'

/** More paths say nothing new on a screen; `--json` has them all. */
const MAX_PREFETCH_LINES = 20
const NAME_WIDTH = 10
const SIZE_WIDTH = 9

/** The report of one image, without a final newline. */
export function formatImageReport(report: ImageReport): string {
  const { reference, digest, kind, platform, created, command, source, builder, layers, size, rafs } = report
  const lines = [
    field('image', `${reference}@${digest}`),
    field(
      'kind',
      rafs === undefined ? `${kind}, ${platform}` : `Nydus, RAFS v${rafs.fsVersion}, ${platform}`,
    ),
    ...(created === undefined ? [] : [field('created', created)]),
    ...(command === undefined ? [] : [field('command', command.join(' '))]),
    ...(source === undefined
      ? []
      : [field('source', [source.reference, source.digest].filter(Boolean).join('@'))]),
    ...(builder === undefined ? [] : [field('builder', builder)]),
    field('size', `${formatBytes(size)} in ${layers.length} layers`),
    ...(report.index === undefined ? [] : [field('index', report.index.map(entryText).join(', '))]),
    ...(rafs === undefined ? [] : rafsLines(rafs)),
    '',
    'layers:',
    ...layers.map(layerLine),
    ...(rafs === undefined ? [] : ['', 'blobs:', ...rafs.blobs.map(blobLine), '', ...prefetchLines(rafs)]),
  ]
  return lines.join('\n')
}

function entryText({ platform, kind, digest }: IndexEntryReport): string {
  return `${platform} (${kind}, ${shortDigest(digest)})`
}

function field(name: string, value: string): string {
  return `${`${name}:`.padEnd(NAME_WIDTH)} ${value}`
}

function rafsLines(rafs: RafsReport): readonly string[] {
  const { entries, chunks } = rafs
  const { files, directories, symlinks, others } = entries
  return [
    field('files', `${files} files, ${directories} directories, ${symlinks} symlinks, ${others} others`),
    field('data', `${formatBytes(rafs.dataSize)}, ${chunks.used} chunks in files, ${chunks.stored} in blobs`),
    field('chunks', `of 0x${rafs.chunkSize.toString(16)} bytes, ${rafs.compressor}, ${rafs.digester}`),
    field('bootstrap', `${formatBytes(rafs.bootstrapSize)}, ${rafs.flags.join(' ') || 'no flags'}`),
  ]
}

function layerLine({ role, digest, size, mediaType, refersTo }: LayerReport): string {
  const what = refersTo === undefined ? mediaType : `${mediaType}, describes ${shortDigest(refersTo)}`
  return `  ${shortDigest(digest)} ${formatBytes(size).padStart(SIZE_WIDTH)} ${role.padEnd(NAME_WIDTH)} ${what}`
}

function blobLine(blob: BlobReport): string {
  const sizes = `${formatBytes(blob.compressedSize).padStart(SIZE_WIDTH)} of ${formatBytes(blob.uncompressedSize)}`
  const where = blob.isLayer ? '' : ', not a layer of this image'
  const features = blob.features.join(' ')
  return `  ${shortDigest(blob.blobId)} ${sizes}, ${blob.chunkCount} chunks, ${blob.compressor}${where}: ${features}`
}

function prefetchLines({ prefetch }: RafsReport): readonly string[] {
  if (prefetch.length === 0) return ['prefetch:  nothing']
  const shown = prefetch.slice(0, MAX_PREFETCH_LINES).map((path) => `  ${path}`)
  const more = prefetch.length - shown.length
  return [`prefetch:  ${prefetch.length} paths`, ...shown, ...(more > 0 ? [`  and ${more} more`] : [])]
}

/** One line of `inspect du`: bytes, bytes in blobs, files, path. */
export function formatUsedSpace({ path, files, bytes, storedBytes }: UsedSpace): string {
  const sizes = [bytes, storedBytes].map((size) => formatBytes(size).padStart(SIZE_WIDTH))
  return `${sizes.join(' ')} ${String(files).padStart(SIZE_WIDTH)} ${path}`
}

/** What stands above those lines. */
export const USED_SPACE_HEADER = `${'data'.padStart(SIZE_WIDTH)} ${'in blobs'.padStart(SIZE_WIDTH)} ${'files'.padStart(SIZE_WIDTH)} path`

const MARKS: Readonly<Record<PathDifference['kind'], string>> = { added: '+', removed: '-', changed: '~' }

/** One line of `inspect diff`, e.g. `~ /etc/passwd (content, mtime, +12 B)`. */
export function formatDifference({ kind, path, aspects = [], sizeChange }: PathDifference): string {
  const sign = sizeChange > 0 ? '+' : '-'
  const size = sizeChange === 0 ? [] : [`${sign}${formatBytes(Math.abs(sizeChange))}`]
  const notes = [...aspects, ...size]
  return `${MARKS[kind]} ${path}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`
}

/** The last line of `inspect diff`. */
export function formatShared(shared: SharedContent, differences: number): string {
  const blobs = `${shared.blobs} blobs (${formatBytes(shared.bytes)}) are in both`
  return `${differences} paths differ; ${blobs}, ${formatBytes(shared.newBytes)} only in the second`
}
