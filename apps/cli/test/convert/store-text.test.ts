// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { printableReference, suffixedTarget } from '../../src/convert/store-text.ts'

describe('printableReference', () => {
  it.each([
    ['localhost:5077/fx/mini:oci', 'localhost:5077/fx/mini:oci'],
    ['liubin/nydus:two-layers', 'docker.io/liubin/nydus:two-layers'],
    ['oci:/home/me/images/app:1', 'oci:app:1'],
    ['oci-archive:/var/tmp/app.tar', 'oci-archive:app.tar'],
  ])('%s → %s', (given, expected) => {
    expect(printableReference(given)).toBe(expected)
  })
})

describe('suffixedTarget', () => {
  it('appends to the tag', () => {
    expect(suffixedTarget('localhost:5077/fx/mini:oci', '-suffixed')).toBe(
      'localhost:5077/fx/mini:oci-suffixed',
    )
    expect(suffixedTarget('alpine', '-nydus')).toBe('docker.io/library/alpine:latest-nydus')
  })

  it('refuses digests, local images and suffixes that make no tag', () => {
    const digest = `localhost/app@sha256:${'0'.repeat(64)}`
    expect(() => suffixedTarget(digest, '-x')).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
    expect(() => suffixedTarget('oci:dir:tag', '-x')).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
    expect(() => suffixedTarget('alpine', ' /')).toThrow(
      expect.objectContaining({ code: 'ERR_REFERENCE_INVALID' }),
    )
  })
})
