// SPDX-License-Identifier: Apache-2.0
/** Files of a stargz TOC, as entries of the tar that the layer is, with the places of their chunks. */
import { FormatError } from '@nydus/base/error'
import type { ReferencedChunk } from '../blob/blob-reference.ts'
import type { TarEntry, TarEntryKind } from '../tar/entry.ts'
import { normalizeTarPath } from '../tar/tar-path.ts'
import { xattrsOfPax } from '../tar/tar-xattrs.ts'
import { byteNameOfText } from '../tree/byte-name.ts'
import type { StargzEntry, StargzEntryType } from './toc-json.ts'

/** A chunk of a file. */
export interface StargzChunk {
  readonly digest: Uint8Array
  readonly size: number
  readonly fileOffset: number
  readonly place: ReferencedChunk
}

/** A file system object. */
export interface StargzFile {
  readonly entry: TarEntry
  readonly chunks: readonly StargzChunk[]
}

const KINDS: Readonly<Record<Exclude<StargzEntryType, 'chunk'>, TarEntryKind>> = {
  dir: 'directory',
  reg: 'file',
  symlink: 'symlink',
  hardlink: 'hardlink',
  char: 'char',
  block: 'block',
  fifo: 'fifo',
}
/** Bits of Go's `os.FileMode` and what they are in st_mode. */
const GO_MODE_BITS = [
  [1 << 23, 0o4000],
  [1 << 22, 0o2000],
  [1 << 20, 0o1000],
] as const
/** What deflate and gzip can add at most to a chunk: headers, trailer, and a block header each 16 KiB. */
const GZIP_OVERHEAD_BYTES = 10 + 8 + 5 + 128
const STORED_BLOCK_BYTES = 16 << 10
const SHA256 = /^sha256:([0-9a-f]{64})$/
const NO_CONTENT: AsyncIterable<Uint8Array> = (async function* () {})()

/**
 * @param chunkSize bytes, of the image: all chunks of a file but its last must have it.
 * @param layerSize bytes of the layer's data, which ends the last chunk; unknown if undefined.
 * @param layerOffset bytes before the layer in its file.
 * @throws {FormatError} ERR_FORMAT_CORRUPT for chunks that do not make up their file or are out of order,
 *   ERR_FORMAT_UNSUPPORTED_FEATURE for chunks of another size; {BuildError} for names that no image can hold.
 */
export function stargzFiles(
  entries: readonly StargzEntry[],
  chunkSize: number,
  layerSize: number | undefined,
  layerOffset: number,
): StargzFile[] {
  const parts = entries.filter(hasData)
  const ends = new Map(parts.map((part, i) => [part, parts[i + 1]?.offset ?? layerSize]))
  const files: { entry: TarEntry; source: StargzEntry; chunks: StargzChunk[] }[] = []
  for (const [index, source] of entries.entries()) {
    const known = files.at(-1)
    if (source.type !== 'chunk') files.push({ entry: tarEntryOf(source, index), source, chunks: [] })
    else if (known?.source.type !== 'reg' || known.source.name !== source.name) {
      throw corrupt(
        `entry ${index} is a chunk of ${JSON.stringify(source.name)}, which is not the file before it`,
      )
    }
    const file = files.at(-1)
    if (file === undefined || !hasData(source)) continue
    const fileOffset = file.chunks.length * chunkSize
    const size = Math.min(chunkSize, file.source.size - fileOffset)
    checkChunk(source, index, fileOffset, size, file.source.size)
    file.chunks.push({
      digest: digestOf(source, index),
      size,
      fileOffset,
      place: placeOf(source, index, size, ends.get(source), layerOffset),
    })
  }
  for (const { source, chunks } of files) checkComplete(source, chunks)
  return files
}

function hasData({ type, size }: StargzEntry): boolean {
  return type === 'chunk' || (type === 'reg' && size > 0)
}

function tarEntryOf(source: StargzEntry, index: number): TarEntry {
  const kind = KINDS[source.type as Exclude<StargzEntryType, 'chunk'>]
  const isLink = kind === 'symlink' || kind === 'hardlink'
  const records = Object.entries(source.xattrs).map(
    ([name, value]) =>
      [`SCHILY.xattr.${byteNameOfText(name)}`, new Uint8Array(Buffer.from(value, 'base64'))] as const,
  )
  return {
    path: normalizeTarPath(Buffer.from(source.name), index),
    kind,
    mode: modeOf(source.mode),
    uid: source.uid,
    gid: source.gid,
    mtime: source.mtime,
    mtimeNsec: 0,
    size: kind === 'file' ? source.size : 0,
    ...(isLink ? { target: new Uint8Array(Buffer.from(source.linkName)) } : {}),
    rdevMajor: source.devMajor,
    rdevMinor: source.devMinor,
    xattrs: xattrsOfPax(new Map(records), index),
    content: NO_CONTENT,
    offset: index,
  }
}

function modeOf(goMode: number): number {
  return GO_MODE_BITS.reduce((mode, [go, bit]) => ((goMode & go) !== 0 ? mode | bit : mode), goMode & 0o7777)
}

function checkChunk(
  source: StargzEntry,
  index: number,
  fileOffset: number,
  size: number,
  fileSize: number,
): void {
  const found = source.chunkSize || fileSize - source.chunkOffset
  if (source.chunkOffset === fileOffset && found === size) return
  throw new FormatError(
    'ERR_FORMAT_UNSUPPORTED_FEATURE',
    `stargz TOC: entry ${index} is a chunk of ${found} bytes at ${source.chunkOffset}, expected ${size} at ${fileOffset}`,
    {
      details: { index, name: source.name, expected: { size, fileOffset }, found: { size: found } },
      hint: 'build with the chunk size that the layer has',
    },
  )
}

function checkComplete({ name, size }: StargzEntry, chunks: readonly StargzChunk[]): void {
  const last = chunks.at(-1)
  const covered = last === undefined ? 0 : last.fileOffset + last.size
  if (chunks.length === 0 || covered === size) return
  throw corrupt(`${JSON.stringify(name)} of ${size} bytes has chunks for ${covered}`)
}

function digestOf({ chunkDigest }: StargzEntry, index: number): Uint8Array {
  const hex = SHA256.exec(chunkDigest)?.[1]
  if (hex === undefined) throw corrupt(`entry ${index} has the chunk digest ${JSON.stringify(chunkDigest)}`)
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

/** A chunk's member ends before the next one; the tar header in between is no part of it, but its size is not known. */
function placeOf(
  source: StargzEntry,
  index: number,
  size: number,
  end: number | undefined,
  layerOffset: number,
): ReferencedChunk {
  const longest = size + GZIP_OVERHEAD_BYTES + Math.floor(size / STORED_BLOCK_BYTES) * 5
  const available = end === undefined ? longest : end - source.offset
  if (available <= 0) throw corrupt(`entry ${index} is a chunk at ${source.offset}, the next is at ${end}`)
  return {
    compressed: true,
    hasCrc32c: false,
    compressedOffset: layerOffset + source.offset,
    compressedSize: Math.min(longest, available),
  }
}

function corrupt(found: string): FormatError {
  return new FormatError('ERR_FORMAT_CORRUPT', `stargz TOC: ${found}`)
}
