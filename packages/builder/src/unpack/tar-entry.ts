// SPDX-License-Identifier: Apache-2.0
/**
 * Entries of OCI layer tars that we write: ustar headers, with a PAX header in front for what does not fit them. The
 * same entry gives the same bytes: owners have no names, and nothing of the machine goes in.
 */
import type { Xattr } from '@nydus/rafs-format'
import { BuildError } from '../build-error.ts'
import { TAR_BLOCK_BYTES, TAR_TYPE, TarHeader, USTAR_MAGIC } from '../tar/layout.ts'
import { paddingAfter } from '../tar/tar-padding.ts'
import { byteNameOfText, displayPath, nameBytes } from '../tree/byte-name.ts'
import type { ByteName } from '../tree/node.ts'
import { encodePaxRecords, type PaxRecord, paxRecord } from './pax-header.ts'
import { encodeNumberField, fitsOctal } from './tar-number.ts'

/** An entry to write. */
export interface OutputEntry {
  /** From the root, which itself has none. */
  readonly path: readonly Uint8Array[]
  /** A value of TAR_TYPE. */
  readonly type: string
  /** The 12 permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since 1970, may be negative. */
  readonly mtime: number
  readonly mtimeNsec: number
  /** Bytes of content that follow; 0 for everything but files. */
  readonly size: number
  /** Of a symlink, or the path of a hard link's target from the root. */
  readonly target?: Uint8Array
  /** Linux's 32-bit device number of a device. */
  readonly rdev?: number
  readonly xattrs: readonly Xattr[]
}

const NAME_BYTES = 100
const ID_WIDTH = 8
const SIZE_WIDTH = 12
const SPACE = 0x20
const EQUALS = 0x3d
const ROOT_PATH: ByteName = './'
const XATTR_KEY = nameBytes(byteNameOfText('SCHILY.xattr.'))

/**
 * Everything of an entry before its content, a multiple of 512 bytes.
 * @throws {BuildError} ERR_BUILD_UNSUPPORTED_ENTRY for the name of an xattr with `=`, which no tar can hold.
 */
export function encodeTarEntry(entry: OutputEntry): Uint8Array {
  const path = tarPath(entry.path)
  const header = encodeHeader({ ...entry, name: path })
  const records = paxRecordsOf(entry, path)
  if (records.length === 0) return header
  const content = encodePaxRecords(records)
  const extension = encodeHeader({
    name: extensionName(entry.path),
    type: TAR_TYPE.PAX,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    size: content.length,
  })
  const bytes = new Uint8Array(
    TAR_BLOCK_BYTES + content.length + paddingAfter(content.length) + TAR_BLOCK_BYTES,
  )
  bytes.set(extension)
  bytes.set(content, TAR_BLOCK_BYTES)
  bytes.set(header, bytes.length - TAR_BLOCK_BYTES)
  return bytes
}

/** Components joined by slashes; the root is `./`. */
export function tarPath(path: readonly Uint8Array[]): Uint8Array {
  if (path.length === 0) return nameBytes(ROOT_PATH)
  const joined = new Uint8Array(path.reduce((length, part) => length + part.length + 1, -1))
  let at = 0
  for (const part of path) {
    joined.set(part, at)
    at += part.length
    if (at < joined.length) joined[at++] = 0x2f
  }
  return joined
}

function paxRecordsOf(entry: OutputEntry, path: Uint8Array): readonly PaxRecord[] {
  const records: PaxRecord[] = entry.xattrs.map((xattr) => xattrRecord(xattr, entry.path))
  if (path.length > NAME_BYTES) records.push(paxRecord('path', path))
  if (entry.target !== undefined && entry.target.length > NAME_BYTES)
    records.push(paxRecord('linkpath', entry.target))
  if (!fitsOctal(entry.size, SIZE_WIDTH)) records.push(paxRecord('size', String(entry.size)))
  if (!fitsOctal(entry.uid, ID_WIDTH)) records.push(paxRecord('uid', String(entry.uid)))
  if (!fitsOctal(entry.gid, ID_WIDTH)) records.push(paxRecord('gid', String(entry.gid)))
  if (entry.mtimeNsec !== 0 || !fitsOctal(entry.mtime, SIZE_WIDTH))
    records.push(paxRecord('mtime', timeText(entry.mtime, entry.mtimeNsec)))
  return records
}

function xattrRecord({ name, value }: Xattr, path: readonly Uint8Array[]): PaxRecord {
  if (name.includes(EQUALS)) {
    const text = new TextDecoder().decode(name)
    throw new BuildError(
      'ERR_BUILD_UNSUPPORTED_ENTRY',
      `${displayPath(path)}: a tar cannot hold the xattr ${JSON.stringify(text)}, whose name has a '='`,
      { details: { path: displayPath(path), name: text } },
    )
  }
  return { key: new Uint8Array(Buffer.concat([XATTR_KEY, name])), value }
}

/** Decimal seconds. Nanoseconds count forward: -2 s and 500,000,000 ns are -1.5. */
function timeText(seconds: number, nanoseconds: number): string {
  if (nanoseconds === 0) return String(seconds)
  const [sign, whole, rest] =
    seconds < 0 ? ['-', -seconds - 1, 1_000_000_000 - nanoseconds] : ['', seconds, nanoseconds]
  return `${sign}${whole}.${String(rest).padStart(9, '0').replace(/0+$/, '')}`
}

type HeaderMembers = Omit<OutputEntry, 'path' | 'mtimeNsec' | 'xattrs'> & { readonly name: Uint8Array }

function encodeHeader(members: HeaderMembers): Uint8Array {
  const { rdev = 0 } = members
  const header = TarHeader.encode({
    name: members.name.subarray(0, NAME_BYTES),
    mode: encodeNumberField(members.mode, ID_WIDTH),
    uid: encodeNumberField(members.uid, ID_WIDTH),
    gid: encodeNumberField(members.gid, ID_WIDTH),
    size: encodeNumberField(members.size, SIZE_WIDTH),
    mtime: encodeNumberField(members.mtime, SIZE_WIDTH),
    type: members.type.charCodeAt(0),
    linkName: members.target?.subarray(0, NAME_BYTES) ?? new Uint8Array(0),
    magic: nameBytes(USTAR_MAGIC),
    deviceMajor: encodeNumberField((rdev >>> 8) & 0xfff, ID_WIDTH),
    deviceMinor: encodeNumberField((rdev & 0xff) | ((rdev >>> 12) & 0xf_ff00), ID_WIDTH),
  })
  // Six digits, NUL, space: the oldest form of the checksum, which every reader takes.
  const field = header.subarray(TarHeader.offsets.checksum, TarHeader.offsets.type).fill(SPACE)
  let sum = 0
  for (let i = 0; i < TAR_BLOCK_BYTES; i++) sum += header[i] as number
  field.set(encodeNumberField(sum, 7))
  return header
}

/** What readers that know no PAX see: `PaxHeaders.0/` in the entry's directory. */
function extensionName(path: readonly Uint8Array[]): Uint8Array {
  const directory = nameBytes('PaxHeaders.0')
  return tarPath([...path.slice(0, -1), directory, path.at(-1) ?? nameBytes('.')])
}
