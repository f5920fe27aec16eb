// SPDX-License-Identifier: Apache-2.0
/** Where the members of a tar file are, so that they can be read in any order without unpacking. */
import { alignUp } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { decodeTarHeader, parsePaxRecords, TAR_BLOCK_BYTES, type TarHeader } from './tar-header.ts'

/** Content of a member inside the archive file, bytes. */
export interface TarExtent {
  readonly offset: number
  readonly size: number
}

/** Looks members up by name. Links inside the archive are followed. */
export interface TarIndex {
  find(name: string): TarExtent | undefined
}

/** What the index is read from. */
export interface TarBytes {
  readonly size: number
  read(offset: number, length: number): Promise<Uint8Array>
}

type Entry = TarExtent | { readonly link: string }

const MAX_MEMBERS = 100_000
/** PAX headers and long names beyond this are refused. */
const MAX_EXTENSION_BYTES = 1 << 20
const MAX_LINKS = 8

/** Reads all headers. @throws {FormatError} ERR_FORMAT_CORRUPT, ERR_FORMAT_TRUNCATED, ERR_FORMAT_OUT_OF_RANGE for too many. */
export async function indexTar(bytes: TarBytes, what: string): Promise<TarIndex> {
  const entries = new Map<string, Entry>()
  let extension = new Map<string, string>()
  for (let at = 0; at + TAR_BLOCK_BYTES <= bytes.size; ) {
    const place = `${what} at 0x${at.toString(16)}`
    const header = decodeTarHeader(await bytes.read(at, TAR_BLOCK_BYTES), place)
    if (header === undefined) break
    const offset = at + TAR_BLOCK_BYTES
    const size = statedSize(header, extension, place)
    if (size > bytes.size - offset) throw truncated(place, size, bytes.size - offset)
    if ('xgLK'.includes(header.type)) {
      if (header.type !== 'g') extension = await readExtension(bytes, header, offset, size, extension, place)
    } else {
      addEntry(entries, header, extension, { offset, size })
      extension = new Map()
      if (entries.size > MAX_MEMBERS) throw tooMany(what)
    }
    at = alignUp(offset + size, TAR_BLOCK_BYTES)
  }
  return { find: (name) => follow(entries, name, MAX_LINKS) }
}

function addEntry(
  entries: Map<string, Entry>,
  header: TarHeader,
  extension: ReadonlyMap<string, string>,
  extent: TarExtent,
): void {
  const name = plainName(extension.get('path') ?? header.name)
  const linkName = extension.get('linkpath') ?? header.linkName
  if (header.type === '0' || header.type === '7') entries.set(name, extent)
  else if (header.type === '1') entries.set(name, { link: plainName(linkName) })
  else if (header.type === '2') entries.set(name, { link: plainName(`${name}/../${linkName}`) })
}

function statedSize(header: TarHeader, extension: ReadonlyMap<string, string>, place: string): number {
  const stated = extension.get('size')
  if (stated === undefined || 'xgLK'.includes(header.type)) return header.size
  const size = /^[0-9]{1,16}$/.test(stated) ? Number(stated) : Number.NaN
  if (Number.isSafeInteger(size)) return size
  throw new FormatError('ERR_FORMAT_CORRUPT', `${place}: bad size "${stated.slice(0, 40)}" in a PAX header`)
}

async function readExtension(
  bytes: TarBytes,
  header: TarHeader,
  offset: number,
  size: number,
  known: ReadonlyMap<string, string>,
  place: string,
): Promise<Map<string, string>> {
  if (size > MAX_EXTENSION_BYTES) {
    throw new FormatError('ERR_FORMAT_CORRUPT', `${place}: an extended tar header of ${size} bytes`, {
      details: { size },
    })
  }
  const content = await bytes.read(offset, size)
  if (header.type === 'x') return new Map([...known, ...parsePaxRecords(content)])
  const text = new TextDecoder().decode(content).replace(/\0.*$/s, '')
  return new Map([...known, [header.type === 'L' ? 'path' : 'linkpath', text]])
}

function follow(entries: ReadonlyMap<string, Entry>, name: string, links: number): TarExtent | undefined {
  const entry = entries.get(plainName(name))
  if (entry === undefined || !('link' in entry)) return entry
  return links > 0 ? follow(entries, entry.link, links - 1) : undefined
}

/** `./a//b/../c` as `a/c`; what climbs above the root stays at the root. */
function plainName(name: string): string {
  const parts: string[] = []
  for (const part of name.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

function truncated(place: string, expected: number, found: number): FormatError {
  return new FormatError(
    'ERR_FORMAT_TRUNCATED',
    `${place}: a member of ${expected} bytes, ${found} are left in the file`,
    {
      details: { expected, found },
    },
  )
}

function tooMany(what: string): FormatError {
  return new FormatError('ERR_FORMAT_OUT_OF_RANGE', `${what}: more than ${MAX_MEMBERS} members`, {
    details: { limit: MAX_MEMBERS },
  })
}
