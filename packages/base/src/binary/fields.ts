// SPDX-License-Identifier: Apache-2.0
/** Field kinds of on-disk records. All integers are little-endian. */
import { FormatError } from '../error/nydus-error.ts'

/** How one field of a record is read and written. `T` is its JavaScript type, `never` for reserved bytes. */
export interface Field<T> {
  /** Bytes on disk. */
  readonly size: number
  /** Reads the field at `offset`; the caller has checked the record's range. Byte fields are views, not copies. */
  get(view: DataView, offset: number): T
  /** Writes the field at `offset`. */
  set(view: DataView, offset: number, value: T): void
  /** True for padding that has no value. */
  readonly reserved?: true
}

function integer(
  size: number,
  max: number,
  get: Field<number>['get'],
  put: Field<number>['set'],
): Field<number> {
  return {
    size,
    get,
    set(view, offset, value) {
      if (!Number.isSafeInteger(value) || value < 0 || value > max) {
        throw new RangeError(`field value ${value} is not an integer in 0..${max}`)
      }
      put(view, offset, value)
    },
  }
}

export const u8 = integer(
  1,
  0xff,
  (v, o) => v.getUint8(o),
  (v, o, x) => v.setUint8(o, x),
)
export const u16 = integer(
  2,
  0xffff,
  (v, o) => v.getUint16(o, true),
  (v, o, x) => v.setUint16(o, x, true),
)
export const u32 = integer(
  4,
  0xffff_ffff,
  (v, o) => v.getUint32(o, true),
  (v, o, x) => v.setUint32(o, x, true),
)

/** Unsigned 64-bit offset, size or count as a number. Reading throws ERR_FORMAT_U64_OVERFLOW above 2^53 − 1. */
export const u64 = integer(
  8,
  Number.MAX_SAFE_INTEGER,
  (view, offset) => {
    const high = view.getUint32(offset + 4, true)
    if (high > 0x1f_ffff) {
      throw new FormatError(
        'ERR_FORMAT_U64_OVERFLOW',
        `64-bit value above 2^53 at 0x${offset.toString(16)}`,
        {
          details: { offset, high },
        },
      )
    }
    return high * 0x1_0000_0000 + view.getUint32(offset, true)
  },
  (view, offset, value) => {
    view.setUint32(offset, value % 0x1_0000_0000, true)
    view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true)
  },
)

/** Unsigned 64-bit set of flags as a bigint. */
export const u64flags: Field<bigint> = {
  size: 8,
  get: (view, offset) => view.getBigUint64(offset, true),
  set: (view, offset, value) => view.setBigUint64(offset, value, true),
}

/** Signed 64-bit seconds as a number. */
export const i64: Field<number> = {
  size: 8,
  get: (view, offset) => Number(view.getBigInt64(offset, true)),
  set: (view, offset, value) => view.setBigInt64(offset, BigInt(value), true),
}

/** `length` raw bytes; reading gives a view into the record's buffer. Writing shorter bytes pads with zeros. */
export function bytes(length: number): Field<Uint8Array> {
  return {
    size: length,
    get: (view, offset) => new Uint8Array(view.buffer, view.byteOffset + offset, length),
    set(view, offset, value) {
      if (value.length > length) throw new RangeError(`${value.length} bytes do not fit a field of ${length}`)
      const target = new Uint8Array(view.buffer, view.byteOffset + offset, length)
      target.set(value)
      target.fill(0, value.length)
    },
  }
}

/** `length` bytes of Latin-1/ASCII text, ended by NUL or by the field's end. */
export function cstring(length: number): Field<string> {
  return {
    size: length,
    get(view, offset) {
      let text = ''
      for (let i = 0; i < length; i++) {
        const code = view.getUint8(offset + i)
        if (code === 0) break
        text += String.fromCharCode(code)
      }
      return text
    },
    set(view, offset, value) {
      if (value.length > length) {
        throw new RangeError(`text of ${value.length} bytes does not fit a field of ${length}`)
      }
      for (let i = 0; i < length; i++) {
        const code = i < value.length ? value.charCodeAt(i) : 0
        if (code > 0xff) throw new RangeError(`${JSON.stringify(value)} is not Latin-1 text`)
        view.setUint8(offset + i, code)
      }
    },
  }
}

/** `length` bytes that have no meaning: written as zero, never read. */
export function reserved(length: number): Field<never> {
  return {
    size: length,
    reserved: true,
    get: () => {
      throw new TypeError('reserved fields have no value')
    },
    set: () => {},
  }
}
