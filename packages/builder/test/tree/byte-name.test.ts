// SPDX-License-Identifier: Apache-2.0
import { compareBytes } from '@nydus/base/binary'
import { describe, expect, it } from 'vitest'
import { byteName, byteNameOfText, displayPath, nameBytes } from '../../src/tree/byte-name.ts'

describe('byte names', () => {
  it('hold every byte and sort as bytes do', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    expect(nameBytes(byteName(all))).toEqual(all)
    const names = [[0x7f], [0x80], [0xff], [0x61], [0x61, 0], [0x61, 0xff]].map((bytes) =>
      Uint8Array.from(bytes),
    )
    const asBytes = [...names].sort(compareBytes).map(byteName)
    expect([...names].map(byteName).sort((a, b) => (a < b ? -1 : 1))).toEqual(asBytes)
  })

  it('come from text as UTF-8 and are shown as text', () => {
    expect(byteNameOfText('é')).toBe('\xc3\xa9')
    expect(displayPath(['\xc3\xa9', Uint8Array.of(0xff)])).toBe('/é/\ufffd')
    expect(displayPath([])).toBe('/')
  })
})
