// SPDX-License-Identifier: Apache-2.0
/** Writes tars for tests: ustar headers with PAX records where a value does not fit, names and xattr values as raw bytes. */

/** One member. Text names are UTF-8; pass bytes for anything else. */
export interface TarMember {
  readonly path: string | Uint8Array
  readonly type?: 'file' | 'directory' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo'
  readonly content?: Uint8Array | string
  readonly target?: string | Uint8Array
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** Seconds; what the header cannot hold (fractions, times before 1970) becomes a PAX record. */
  readonly mtime?: number
  /** What the header says instead of the content's length: for tars that lie. */
  readonly size?: number
  /** A type flag instead of that of `type`, one character. */
  readonly typeFlag?: string
  readonly rdev?: readonly [major: number, minor: number]
  readonly xattrs?: Readonly<Record<string, Uint8Array | string>>
  /** Further PAX records. */
  readonly pax?: Readonly<Record<string, string | Uint8Array>>
}

const BLOCK = 512
const TYPE_FLAGS = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
} as const

/** The two empty blocks that end a tar. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK)

/** A whole tar with its two end blocks. The same members give the same bytes. */
export function buildTar(members: readonly TarMember[]): Uint8Array {
  return Buffer.concat([...members.map(tarMember), TAR_END])
}

/** The blocks of one member, for tars that are too large to build in memory. */
export function tarMember(member: TarMember): Uint8Array {
  return Buffer.concat(memberBlocks(member))
}

function memberBlocks(member: TarMember): Buffer[] {
  const path = toBytes(member.path)
  const target = toBytes(member.target ?? '')
  const content = toBytes(member.content ?? '')
  const records = paxRecords(member, path, target)
  const blocks: Buffer[] = []
  if (records.length > 0)
    blocks.push(header({ path: Buffer.from('pax'), typeFlag: 'x', size: records.length }), padded(records))
  const typeFlag = member.typeFlag ?? TYPE_FLAGS[member.type ?? 'file']
  blocks.push(
    header({ ...member, path, target, typeFlag, size: member.size ?? content.length }),
    padded(content),
  )
  return blocks
}

function paxRecords(member: TarMember, path: Buffer, target: Buffer): Buffer {
  const records: Buffer[] = []
  if (path.length > 100) records.push(paxRecord('path', path))
  if (target.length > 100) records.push(paxRecord('linkpath', target))
  for (const key of ['uid', 'gid', 'mtime', 'size'] as const) {
    const value = member[key] ?? 0
    if (!fitsOctal(key, value)) records.push(paxRecord(key, Buffer.from(String(value))))
  }
  for (const [name, value] of Object.entries(member.xattrs ?? {}))
    records.push(paxRecord(`SCHILY.xattr.${name}`, toBytes(value)))
  for (const [key, value] of Object.entries(member.pax ?? {})) records.push(paxRecord(key, toBytes(value)))
  return Buffer.concat(records)
}

/** Tells whether a whole number of so many octal digits can hold `value`. */
function fitsOctal(key: 'uid' | 'gid' | 'mtime' | 'size', value: number): boolean {
  const digits = key === 'uid' || key === 'gid' ? 7 : 11
  return Number.isInteger(value) && value >= 0 && value < 8 ** digits
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

interface HeaderValues extends Partial<Pick<TarMember, 'mode' | 'uid' | 'gid' | 'mtime' | 'rdev'>> {
  readonly path: Buffer
  readonly target?: Buffer
  readonly typeFlag: string
  readonly size: number
}

function header(values: HeaderValues): Buffer {
  const block = Buffer.alloc(BLOCK)
  values.path.copy(block, 0, 0, 100)
  octal(block, 100, 8, values.mode ?? 0o644)
  octal(block, 108, 8, values.uid ?? 0)
  octal(block, 116, 8, values.gid ?? 0)
  octal(block, 124, 12, values.size)
  octal(block, 136, 12, values.mtime ?? 1_700_000_000)
  block.write(values.typeFlag, 156)
  values.target?.copy(block, 157, 0, 100)
  block.write('ustar\u000000', 257, 'latin1')
  octal(block, 329, 8, values.rdev?.[0] ?? 0)
  octal(block, 337, 8, values.rdev?.[1] ?? 0)
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function octal(block: Buffer, offset: number, length: number, value: number): void {
  const fits = Number.isInteger(value) && value >= 0 && value < 8 ** (length - 1)
  block.write(`${(fits ? value : 0).toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1')
}

function padded(content: Buffer): Buffer {
  const rest = content.length % BLOCK
  return rest === 0 ? content : Buffer.concat([content, Buffer.alloc(BLOCK - rest)])
}

function toBytes(value: string | Uint8Array): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value)
}
