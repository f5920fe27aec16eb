// SPDX-License-Identifier: Apache-2.0
/** Joins a header with the extension headers in front of it. Order of trust: GNU long name, PAX, header. */
import type { ByteSource } from './byte-source.ts'
import type { TarEntry, TarEntryKind } from './entry.ts'
import type { Header } from './header.ts'
import { TAR_TYPE } from './layout.ts'
import type { TarLimits } from './limits.ts'
import { type PaxRecords, paxBytes, paxNumber, paxTime } from './pax.ts'
import type { Extensions, ReadTarOptions } from './read-tar.ts'
import { type ReadSparseMap, readSparseMap, type SparseMap, sparseName } from './sparse-map.ts'
import { badTar, tooLarge, unsupportedEntry } from './tar-error.ts'
import { paddingAfter } from './tar-padding.ts'
import { normalizeTarPath } from './tar-path.ts'
import { xattrsOfPax } from './tar-xattrs.ts'

/** An entry and where its bytes are. */
export interface ResolvedEntry {
  readonly entry: Omit<TarEntry, 'content'>
  /** Bytes of content still in the stream. */
  readonly storedSize: number
  /** Bytes behind the content up to the next block. */
  readonly padding: number
  /** Where the stored bytes belong in a sparse file. */
  readonly sparse: SparseMap | undefined
}

const KINDS: Readonly<Record<string, TarEntryKind>> = {
  [TAR_TYPE.FILE]: 'file',
  [TAR_TYPE.FILE_V7]: 'file',
  [TAR_TYPE.CONTIGUOUS]: 'file',
  [TAR_TYPE.GNU_SPARSE]: 'file',
  [TAR_TYPE.HARDLINK]: 'hardlink',
  [TAR_TYPE.SYMLINK]: 'symlink',
  [TAR_TYPE.CHAR]: 'char',
  [TAR_TYPE.BLOCK]: 'block',
  [TAR_TYPE.DIRECTORY]: 'directory',
  [TAR_TYPE.FIFO]: 'fifo',
}
const MAX_ID = 0xffff_ffff
const SLASH = 0x2f

/** How entries are resolved. */
export type ResolveOptions = Required<Pick<ReadTarOptions, 'mtime'>> & { readonly limits: TarLimits }

/** Tells whether the entry may be a sparse file, whose map is to be read first. */
export function mayBeSparse(header: Header, { pax }: Extensions): boolean {
  if (header.type === TAR_TYPE.GNU_SPARSE) return true
  if (pax !== undefined) for (const key of pax.keys()) if (key.startsWith('GNU.sparse.')) return true
  return false
}

/** Reads on in `source` only for the map of a sparse file. Errors as `readTar`. */
export async function resolveSparseEntry(
  source: ByteSource,
  header: Header,
  extensions: Extensions,
  options: ResolveOptions,
): Promise<ResolvedEntry> {
  const pax = recordsOf(extensions)
  const { limits } = options
  const name = nameOf(header, extensions, pax, limits)
  if (kindOf(header, name) !== 'file') return resolveEntry(header, extensions, options)
  const size = fileSize(header, pax, limits)
  return resolveEntry(header, extensions, options, await readSparseMap(source, header, pax, size, limits))
}

/** Joins a header with its extensions. Errors as `readTar`. @param mapped of a sparse file. */
export function resolveEntry(
  header: Header,
  extensions: Extensions,
  { limits, mtime }: ResolveOptions,
  mapped?: ReadSparseMap,
): ResolvedEntry {
  const pax = recordsOf(extensions)
  const { offset } = header
  const name = nameOf(header, extensions, pax, limits)
  const kind = kindOf(header, name)
  const headerSize = kind === 'file' ? fileSize(header, pax, limits) : 0
  const target = targetOf(header, extensions, pax, kind, limits)
  return {
    entry: {
      path: normalizeTarPath(name, offset),
      kind,
      mode: modeOf(header),
      uid: ownerOf(header.uid, pax, 'uid', offset),
      gid: ownerOf(header.gid, pax, 'gid', offset),
      ...((mtime === 'pax' ? paxTime(pax, 'mtime', offset) : undefined) ?? {
        mtime: header.mtime ?? 0,
        mtimeNsec: 0,
      }),
      size: mapped?.sparse.size ?? headerSize,
      ...(target === undefined ? {} : { target }),
      ...deviceOf(header, kind),
      xattrs: xattrsOfPax(pax, offset),
      offset,
    },
    storedSize: headerSize - (mapped?.mapBytes ?? 0),
    padding: paddingAfter(headerSize),
    sparse: mapped?.sparse,
  }
}

function nameOf(header: Header, { longName }: Extensions, pax: PaxRecords, limits: TarLimits): Uint8Array {
  const name = longName ?? sparseName(pax) ?? paxBytes(pax, 'path') ?? header.name
  if (name.length > limits.pathBytes) throw tooLarge('path', name.length, limits.pathBytes, header.offset)
  return name
}

const NO_RECORDS: PaxRecords = new Map()

function recordsOf({ globals, pax }: Extensions): PaxRecords {
  if (globals.size === 0) return pax ?? NO_RECORDS
  return pax === undefined ? globals : new Map([...globals, ...pax])
}

/** Old archives mark directories by a trailing slash only. */
function kindOf({ type, offset }: Header, name: Uint8Array): TarEntryKind {
  const kind = KINDS[type]
  if (kind === undefined) throw unsupportedEntry(`entry of type ${JSON.stringify(type)}`, offset, { type })
  return type === TAR_TYPE.FILE_V7 && name.at(-1) === SLASH ? 'directory' : kind
}

function fileSize(header: Header, pax: PaxRecords, limits: TarLimits): number {
  const { offset } = header
  const size = paxNumber(pax, 'size', offset) ?? header.size
  if (size === undefined || size < 0) throw badTar('size of a file is not a number', offset)
  if (size > limits.fileBytes) throw tooLarge('file', size, limits.fileBytes, offset)
  return size
}

function modeOf({ mode, offset }: Header): number {
  if (mode === undefined || mode < 0) throw badTar('mode is not a number', offset)
  // Modulo, not a mask alone: base-256 modes may be wider than 32 bits.
  return (mode % 0x1_0000) & 0o7777
}

/** PAX, else the low 32 bits of the header's number, else 0. */
function ownerOf(
  fromHeader: number | undefined,
  pax: PaxRecords,
  key: 'uid' | 'gid',
  offset: number,
): number {
  const fromPax = paxNumber(pax, key, offset)
  if (fromPax === undefined) return (((fromHeader ?? 0) % (MAX_ID + 1)) + (MAX_ID + 1)) % (MAX_ID + 1)
  if (fromPax > MAX_ID)
    throw unsupportedEntry(`${key} ${fromPax} is above 2^32 - 1`, offset, { [key]: fromPax })
  return fromPax
}

function targetOf(
  header: Header,
  extensions: Extensions,
  pax: PaxRecords,
  kind: TarEntryKind,
  limits: TarLimits,
): Uint8Array | undefined {
  if (kind !== 'symlink' && kind !== 'hardlink') return undefined
  const { offset } = header
  const target = extensions.longLink ?? paxBytes(pax, 'linkpath') ?? header.linkName
  const limit = kind === 'symlink' ? limits.symlinkBytes : limits.pathBytes
  if (target.length > limit) throw tooLarge(`target of a ${kind}`, target.length, limit, offset)
  if (target.length === 0) throw badTar(`${kind} without a target`, offset)
  if (target.includes(0)) throw badTar(`NUL byte in the target of a ${kind}`, offset)
  return target
}

function deviceOf(header: Header, kind: TarEntryKind): { rdevMajor: number; rdevMinor: number } {
  if (kind !== 'char' && kind !== 'block') return { rdevMajor: 0, rdevMinor: 0 }
  const { deviceMajor, deviceMinor, offset } = header
  if (deviceMajor === undefined || deviceMinor === undefined || deviceMajor < 0 || deviceMinor < 0) {
    throw badTar('device numbers are not numbers', offset)
  }
  return { rdevMajor: deviceMajor, rdevMinor: deviceMinor }
}
