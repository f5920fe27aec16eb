// SPDX-License-Identifier: Apache-2.0
/** Declarative on-disk records: one table per record, its size asserted when the module loads. */
import { FormatError } from '../error/nydus-error.ts'
import type { Field } from './fields.ts'
import { checkRange } from './range.ts'

/** The fields of a record in disk order. */
export type StructFields = Readonly<Record<string, Field<unknown> | Field<never>>>

type ValueOf<F> = F extends Field<infer T> ? T : never
/** JavaScript values of a record; reserved fields do not appear. */
export type StructValue<F extends StructFields> = {
  readonly [K in keyof F as [ValueOf<F[K]>] extends [never] ? never : K]: ValueOf<F[K]>
}

/** A record type: `size` in bytes, `offsets` of its fields, and the two directions. */
export interface Struct<F extends StructFields> {
  readonly name: string
  readonly size: number
  readonly offsets: Readonly<Record<keyof F, number>>
  /**
   * A lazy, read-only view of the record at `offset`. The view reads from `buffer` when a member is used, so it is
   * valid only as long as its owner keeps the bytes unchanged.
   * @throws {FormatError} ERR_FORMAT_TRUNCATED when the record does not fit into `buffer`.
   */
  view(buffer: Uint8Array, offset?: number): StructValue<F>
  /** A plain object with all members read (byte members still are views into `buffer`). */
  decode(buffer: Uint8Array, offset?: number): StructValue<F>
  /** A new buffer of `size` bytes; members left out are zero. */
  encode(value: Partial<StructValue<F>>): Uint8Array
  /** A new buffer with the records of `values` back to back: a table. */
  encodeTable(values: readonly Partial<StructValue<F>>[]): Uint8Array
  /** Writes the record into `buffer` at `offset`; members left out become zero. */
  encodeInto(buffer: Uint8Array, offset: number, value: Partial<StructValue<F>>): void
}

/**
 * Declares a record.
 * @param size the size in bytes that the format's specification gives; a table that adds up to another size throws
 *   a TypeError at load.
 */
export function defineStruct<const F extends StructFields>(name: string, size: number, fields: F): Struct<F> {
  const offsets = {} as Record<keyof F, number>
  let total = 0
  for (const [key, field] of Object.entries(fields)) {
    offsets[key as keyof F] = total
    total += field.size
  }
  if (total !== size) throw new TypeError(`struct ${name} is declared with ${size} bytes but has ${total}`)

  class View {
    readonly data: DataView
    constructor(data: DataView) {
      this.data = data
    }
  }
  const valued = Object.entries(fields)
    .filter(([, field]) => !field.reserved)
    .map(([key, field]) => [key, field as Field<unknown>, offsets[key as keyof F]] as const)
  for (const [key, field, at] of valued) {
    Object.defineProperty(View.prototype, key, {
      enumerable: true,
      get(this: View) {
        return field.get(this.data, at)
      },
    })
  }

  function recordData(buffer: Uint8Array, offset: number): DataView {
    if (offset < 0 || !Number.isSafeInteger(offset) || buffer.byteLength - offset < size) {
      throw new FormatError(
        'ERR_FORMAT_TRUNCATED',
        `${name}: ${size} bytes expected at 0x${offset.toString(16)}, the buffer has ${buffer.byteLength}`,
        { details: { record: name, offset, size, available: buffer.byteLength } },
      )
    }
    return new DataView(buffer.buffer, buffer.byteOffset + offset, size)
  }

  function encodeInto(buffer: Uint8Array, offset: number, value: Partial<StructValue<F>>): void {
    checkRange(offset, size, buffer.byteLength, name)
    buffer.fill(0, offset, offset + size)
    const data = recordData(buffer, offset)
    const members = value as Record<string, unknown>
    for (const [key, field, at] of valued) {
      const member = members[key]
      if (member !== undefined) field.set(data, at, member)
    }
  }

  return {
    name,
    size,
    offsets,
    view: (buffer, offset = 0) => new View(recordData(buffer, offset)) as unknown as StructValue<F>,
    encodeInto,
    decode(buffer, offset = 0) {
      const data = recordData(buffer, offset)
      const value: Record<string, unknown> = {}
      for (const [key, field, at] of valued) value[key] = field.get(data, at)
      return value as StructValue<F>
    },
    encode(value) {
      const buffer = new Uint8Array(size)
      encodeInto(buffer, 0, value)
      return buffer
    },
    encodeTable(values) {
      const table = new Uint8Array(values.length * size)
      for (const [i, value] of values.entries()) encodeInto(table, i * size, value)
      return table
    },
  }
}
