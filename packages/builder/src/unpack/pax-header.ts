// SPDX-License-Identifier: Apache-2.0
/** PAX headers of tars that we write: what an entry's own header cannot hold. Values are bytes, whatever they are. */
import { compareBytes } from '@nydus/base/binary'
import { byteNameOfText, nameBytes } from '../tree/byte-name.ts'

/** A record to write. */
export interface PaxRecord {
  /** Without `=`, which ends it. */
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** A record with an ASCII key. */
export function paxRecord(key: string, value: Uint8Array | string): PaxRecord {
  return {
    key: nameBytes(byteNameOfText(key)),
    value: typeof value === 'string' ? nameBytes(byteNameOfText(value)) : value,
  }
}

/** The content of a PAX header: the records sorted by key. */
export function encodePaxRecords(records: readonly PaxRecord[]): Uint8Array {
  const sorted = [...records].sort((a, b) => compareBytes(a.key, b.key)).map(encodePaxRecord)
  return new Uint8Array(Buffer.concat(sorted))
}

/** `LENGTH key=value` and a newline, where LENGTH counts itself as well. */
function encodePaxRecord({ key, value }: PaxRecord): Uint8Array {
  const rest = key.length + value.length + 3
  let length = rest + String(rest).length
  // One more digit may make the number longer once.
  length = rest + String(length).length
  const record = Buffer.alloc(length)
  const start = record.write(`${length} `, 'latin1')
  record.set(key, start)
  record.write('=', start + key.length, 'latin1')
  record.set(value, start + key.length + 1)
  record.write('\n', length - 1, 'latin1')
  return record
}
