// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { digestFromHex, digestHex, isDigest, parseDigest } from '../../src/digest/index.ts'

const HEX = 'ab'.repeat(32)

describe('digests', () => {
  it('parse and come apart again', () => {
    expect(parseDigest(`sha256:${HEX}`)).toBe(`sha256:${HEX}`)
    expect(digestHex(digestFromHex(HEX))).toBe(HEX)
  })
  it.each([
    '',
    HEX,
    `sha512:${HEX}`,
    `sha256:${HEX.toUpperCase()}`,
    `sha256:${HEX}0`,
    `sha256:${HEX.slice(1)}`,
    ` sha256:${HEX}`,
    `sha256:${HEX}\n`,
    'sha256:../../etc/passwd',
    undefined,
    null,
    5,
    {},
  ])('refuse %j', (text) => {
    expect(isDigest(text)).toBe(false)
    expect(() => parseDigest(text)).toThrowError(expect.objectContaining({ code: 'ERR_DIGEST_INVALID' }))
  })
  it('refuse hex of another length', () => {
    expect(() => digestFromHex('abc')).toThrowError(expect.objectContaining({ code: 'ERR_DIGEST_INVALID' }))
  })
})
