// SPDX-License-Identifier: Apache-2.0
/** Hand-made tars for tests: every field can be wrong. */

export interface HeaderFields {
  readonly name?: string
  readonly mode?: string
  readonly uid?: string | Uint8Array
  readonly gid?: string
  readonly size?: number | string | Uint8Array
  readonly mtime?: string | Uint8Array
  readonly type?: string
  readonly linkName?: string
  readonly magic?: string
  readonly prefix?: string
  readonly deviceMajor?: string
  readonly deviceMinor?: string
  /** Overrides the computed checksum field. */
  readonly checksum?: string
}

/** One header block; text fields are Latin-1. */
export function header(fields: HeaderFields): Uint8Array {
  const block = Buffer.alloc(512)
  const put = (value: string | Uint8Array, offset: number, length: number) =>
    block.set(
      Buffer.from(typeof value === 'string' ? Buffer.from(value, 'latin1') : value).subarray(0, length),
      offset,
    )
  const size = fields.size ?? 0
  put(fields.name ?? 'file', 0, 100)
  put(fields.mode ?? '0000644', 100, 8)
  put(fields.uid ?? '0000000', 108, 8)
  put(fields.gid ?? '0000000', 116, 8)
  put(typeof size === 'number' ? size.toString(8).padStart(11, '0') : size, 124, 12)
  put(fields.mtime ?? '14524770400', 136, 12)
  put(fields.type ?? '0', 156, 1)
  put(fields.linkName ?? '', 157, 100)
  put(fields.magic ?? 'ustar\x0000', 257, 8)
  put(fields.deviceMajor ?? '', 329, 8)
  put(fields.deviceMinor ?? '', 337, 8)
  put(fields.prefix ?? '', 345, 155)
  return sealed(block, fields.checksum)
}

/** `block` with the checksum field filled in. */
export function sealed(block: Uint8Array, checksum?: string): Uint8Array {
  block.fill(0x20, 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.set(Buffer.from(checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `), 148)
  return block
}

/** `content` padded to whole blocks. */
export function blocks(content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
  const padded = new Uint8Array(Math.ceil(bytes.length / 512) * 512)
  padded.set(bytes)
  return padded
}

/** A file with its header. */
export function file(name: string, content: string, fields: HeaderFields = {}): Uint8Array {
  return Buffer.concat([header({ ...fields, name, size: content.length }), blocks(content)])
}

/** A PAX record with a correct length. */
export function paxRecord(key: string, value: string | Uint8Array): Uint8Array {
  const rest = Buffer.concat([
    Buffer.from(` ${key}=`, 'latin1'),
    Buffer.from(value as string, 'latin1'),
    Buffer.from('\n'),
  ])
  let length = rest.length + 1
  while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length
  return Buffer.concat([Buffer.from(`${length}`), rest])
}

/** A PAX header with `records`, local unless `type` is 'g'. */
export function pax(
  records: Readonly<Record<string, string | Uint8Array>>,
  type: 'x' | 'g' = 'x',
): Uint8Array {
  const content = Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, value)))
  return Buffer.concat([header({ name: 'PaxHeaders/0', type, size: content.length }), blocks(content)])
}

/** A GNU long name ('L') or long link ('K'). */
export function longName(text: string, type: 'L' | 'K' = 'L'): Uint8Array {
  const content = `${text}\0`
  return Buffer.concat([
    header({ name: '././@LongLink', type, size: content.length, magic: 'ustar  \0' }),
    blocks(content),
  ])
}

export const END = new Uint8Array(1024)

/** `parts` as a stream in pieces of `pieceSize` bytes. */
export async function* stream(parts: readonly Uint8Array[], pieceSize = 1 << 20): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.concat(parts)
  for (let at = 0; at < bytes.length; at += pieceSize)
    yield new Uint8Array(bytes.subarray(at, at + pieceSize))
}
