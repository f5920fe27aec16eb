// SPDX-License-Identifier: Apache-2.0
/** Tar files for tests, made without the code under test. */
import { Buffer } from 'node:buffer'

export interface MemberOptions {
  readonly type?: string
  readonly linkName?: string
}

export function tarMember(name: string, content: string | Uint8Array, options: MemberOptions = {}): Buffer {
  const bytes = Buffer.from(content)
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000644\u0000', 100)
  header.write('0000000\u0000', 108)
  header.write('0000000\u0000', 116)
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\u0000`, 124)
  header.write('00000000000\u0000        ', 136)
  header.write(options.type ?? '0', 156)
  header.write(options.linkName ?? '', 157)
  header.write('ustar\u000000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148)
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
}

export function tarOf(...members: readonly Buffer[]): Buffer {
  return Buffer.concat([...members, Buffer.alloc(1024)])
}

export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  let length = rest.length
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return `${length}${rest}`
}
