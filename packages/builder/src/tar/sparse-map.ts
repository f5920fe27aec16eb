// SPDX-License-Identifier: Apache-2.0
/**
 * Maps of GNU sparse files: old GNU (type S), PAX 0.1 (a record) and PAX 1.0 (in front of the content).
 * Source: GNU tar manual, "Storing Sparse Files".
 */
import { byteName } from '../tree/byte-name.ts'
import type { ByteSource } from './byte-source.ts'
import type { Header } from './header.ts'
import { GnuSparseExtension, GnuSparseHeader, GnuSparseSegment, TAR_BLOCK_BYTES, TAR_TYPE } from './layout.ts'
import type { TarLimits } from './limits.ts'
import { parseNumberField } from './number-field.ts'
import { type PaxRecords, paxBytes, paxNumber } from './pax.ts'
import { badTar, tooLarge, unsupportedEntry } from './tar-error.ts'

/** Where a sparse file has data; everything else is zeros. */
export interface SparseMap {
  /** Bytes of the whole file. */
  readonly size: number
  /** Ascending, without overlap, inside the file; their lengths sum up to the stored bytes. */
  readonly segments: readonly SparseSegment[]
}

/** A run of a sparse file that has data: offset and length in the expanded file, bytes. */
export interface SparseSegment {
  readonly offset: number
  readonly length: number
}

/** A map and the bytes of content that it took. */
export interface ReadSparseMap {
  readonly sparse: SparseMap
  readonly mapBytes: number
}

/** The real name of a PAX sparse file; its `path` record is made up for tars that do not know sparse files. */
export function sparseName(pax: PaxRecords): Uint8Array | undefined {
  return paxBytes(pax, 'GNU.sparse.name')
}

/**
 * @param storedSize bytes of content in the tar, map included.
 * @returns undefined for a file that is not sparse.
 */
export async function readSparseMap(
  source: ByteSource,
  header: Header,
  pax: PaxRecords,
  storedSize: number,
  limits: TarLimits,
): Promise<ReadSparseMap | undefined> {
  const { offset } = header
  let found: { size: number | undefined; segments: SparseSegment[]; mapBytes: number }
  if (header.type === TAR_TYPE.GNU_SPARSE) {
    found = { ...(await readOldGnuMap(source, header, limits)), mapBytes: 0 }
  } else if (paxNumber(pax, 'GNU.sparse.major', offset) === 1) {
    const { segments, mapBytes } = await readContentMap(source, offset, storedSize, limits)
    found = { size: paxNumber(pax, 'GNU.sparse.realsize', offset), segments, mapBytes }
  } else if (pax.has('GNU.sparse.map')) {
    const segments = segmentsOf(
      numbersOf(pax.get('GNU.sparse.map') as Uint8Array, 0x2c, offset),
      offset,
      limits,
    )
    found = { size: paxNumber(pax, 'GNU.sparse.size', offset), segments, mapBytes: 0 }
  } else if ([...pax.keys()].some((key) => key.startsWith('GNU.sparse.'))) {
    throw unsupportedEntry('sparse file of PAX format 0.0', offset)
  } else return undefined
  if (found.size === undefined || found.size < 0) throw badTar('sparse file without a size', offset)
  const sparse = { size: found.size, segments: found.segments }
  checkMap(sparse, storedSize - found.mapBytes, offset, limits)
  return { sparse, mapBytes: found.mapBytes }
}

async function readOldGnuMap(source: ByteSource, { block, offset }: Header, limits: TarLimits) {
  const fields = GnuSparseHeader.view(block)
  const segments = decodeSegments(fields.segments, offset)
  let extended = fields.isExtended
  while (extended !== 0) {
    const extension = GnuSparseExtension.view(await source.take(TAR_BLOCK_BYTES, 'the map of a sparse file'))
    segments.push(...decodeSegments(extension.segments, offset))
    if (segments.length > limits.sparseSegments) {
      throw tooLarge('map of a sparse file', segments.length, limits.sparseSegments, offset)
    }
    extended = extension.isExtended
  }
  return { size: parseNumberField(fields.realSize), segments }
}

/** Slots behind the last segment are empty. */
function decodeSegments(table: Uint8Array, offset: number): SparseSegment[] {
  const segments: SparseSegment[] = []
  for (let at = 0; at < table.length; at += GnuSparseSegment.size) {
    const fields = GnuSparseSegment.view(table, at)
    if (fields.offset[0] === 0 && fields.length[0] === 0) continue
    const start = parseNumberField(fields.offset)
    const length = parseNumberField(fields.length)
    if (start === undefined || length === undefined)
      throw badTar('segment of a sparse file is not a number', offset)
    segments.push({ offset: start, length })
  }
  return segments
}

/** Lines of decimal numbers (count, then offset and length of each segment) in whole blocks. */
async function readContentMap(source: ByteSource, offset: number, storedSize: number, limits: TarLimits) {
  const lines: Uint8Array[] = []
  let mapBytes = 0
  for (let newlines = 0, wanted = 1; newlines < wanted; ) {
    if (mapBytes + TAR_BLOCK_BYTES > storedSize)
      throw badTar('map of a sparse file is longer than its content', offset)
    if (mapBytes >= limits.headerBytes)
      throw tooLarge('map of a sparse file', mapBytes, limits.headerBytes, offset)
    const block = new Uint8Array(await source.take(TAR_BLOCK_BYTES, 'the map of a sparse file'))
    lines.push(block)
    mapBytes += TAR_BLOCK_BYTES
    for (const byte of block) if (byte === 0x0a) newlines += 1
    if (lines.length === 1)
      wanted = 1 + 2 * (numbersOf(block.subarray(0, block.indexOf(0x0a)), 0x0a, offset)[0] ?? 0)
  }
  const text = Buffer.concat(lines)
  const [count = 0, ...numbers] = numbersOf(text.subarray(0, text.lastIndexOf(0x0a)), 0x0a, offset)
  return { segments: segmentsOf(numbers.slice(0, 2 * count), offset, limits), mapBytes }
}

function numbersOf(text: Uint8Array, separator: number, offset: number): number[] {
  if (text.length === 0) return []
  return byteName(text)
    .split(String.fromCharCode(separator))
    .map((digits) => {
      if (!/^\d{1,15}$/.test(digits)) throw badTar('map of a sparse file is not a list of numbers', offset)
      return Number(digits)
    })
}

function segmentsOf(numbers: readonly number[], offset: number, limits: TarLimits): SparseSegment[] {
  if (numbers.length % 2 !== 0) throw badTar('map of a sparse file has an odd count of numbers', offset)
  const count = numbers.length / 2
  if (count > limits.sparseSegments)
    throw tooLarge('map of a sparse file', count, limits.sparseSegments, offset)
  return Array.from({ length: count }, (_, i) => ({
    offset: numbers[2 * i] as number,
    length: numbers[2 * i + 1] as number,
  }))
}

function checkMap(
  { size, segments }: SparseMap,
  storedSize: number,
  offset: number,
  limits: TarLimits,
): void {
  if (size > limits.sparseFileBytes) throw tooLarge('sparse file', size, limits.sparseFileBytes, offset)
  let end = 0
  let stored = 0
  for (const segment of segments) {
    if (segment.offset < end || segment.length < 0 || segment.length > size - segment.offset) {
      throw badTar('segments of a sparse file overlap or leave it', offset, { ...segment })
    }
    end = segment.offset + segment.length
    stored += segment.length
  }
  if (stored !== storedSize) {
    throw badTar(`sparse file of ${stored} mapped bytes has ${storedSize} bytes of content`, offset)
  }
}
