// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseNumberField } from '../../src/tar/number-field.ts'

const text = (value: string) => new Uint8Array(Buffer.from(value, 'latin1'))

describe('parseNumberField', () => {
  it.each<[string, number | undefined]>([
    ['0000644\0', 0o644],
    ['  644 \0\0', 0o644],
    ['77777777777\0', 8 ** 11 - 1],
    ['777777777777', 8 ** 12 - 1],
    ['\0\0\0\0', 0],
    ['        ', 0],
    ['', 0],
    ['0x1\0', undefined],
    ['8\0', undefined],
    ['-1\0', undefined],
    ['1 2\0', undefined],
    ['12\0garbage', 0o12],
    ['7'.repeat(20), undefined],
  ])('reads octal %j', (field, expected) => expect(parseNumberField(text(field))).toBe(expected))

  it.each<[readonly number[], number | undefined]>([
    [[0x80, 0, 0, 0, 0, 0, 1, 0], 256],
    [[0x80, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Number.MAX_SAFE_INTEGER],
    [[0x80, 0x20, 0, 0, 0, 0, 0, 0], undefined],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], -2],
    [[0xff, 0, 0, 0, 0, 0, 0, 0], undefined],
    [[0x80], 0],
  ])('reads base-256 %j', (field, expected) =>
    expect(parseNumberField(Uint8Array.from(field))).toBe(expected),
  )
})
