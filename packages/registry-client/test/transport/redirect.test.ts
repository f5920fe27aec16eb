// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { HttpResponse } from '../../src/transport/http.ts'
import { redirectTarget, uploadLocation } from '../../src/transport/redirect.ts'

function response(location: string | undefined, url = 'https://r.io/v2/a/blobs/x'): HttpResponse {
  const headers = location === undefined ? {} : { location }
  return { status: 307, headers, url: new URL(url), method: 'GET' } as unknown as HttpResponse
}

describe('redirectTarget', () => {
  it.each([
    ['/other?x=1', 'https://r.io/other?x=1'],
    ['y', 'https://r.io/v2/a/blobs/y'],
    ['https://cdn.io/z#part', 'https://cdn.io/z'],
    ['//cdn.io/z', 'https://cdn.io/z'],
    ['https://user:pw@cdn.io/z', 'https://cdn.io/z'],
  ])('resolves %s', (location, expected) => {
    expect(redirectTarget(response(location), false).href).toBe(expected)
  })

  it.each(['http://cdn.io/z', 'ftp://cdn.io/z', 'javascript:1', undefined])(
    'refuses %s from https',
    (location) => {
      expect(() => redirectTarget(response(location), false)).toThrow(
        expect.objectContaining({ code: 'ERR_REGISTRY_BAD_RESPONSE' }),
      )
    },
  )

  it('follows to http where http is acceptable', () => {
    expect(redirectTarget(response('http://cdn.io/z'), true).href).toBe('http://cdn.io/z')
  })
})

describe('uploadLocation', () => {
  const base = new URL('https://r.io:8443/')
  it.each([
    ['/v2/a/blobs/uploads/1?s=2', 'https://r.io:8443/v2/a/blobs/uploads/1?s=2'],
    ['http://r.io/v2/a/blobs/uploads/1', 'https://r.io:8443/v2/a/blobs/uploads/1'],
    ['https://upload.io/1?s=2', 'https://upload.io/1?s=2'],
  ])('uses the registry’s own scheme for %s', (location, expected) => {
    expect(uploadLocation(response(location, base.href), base, false).href).toBe(expected)
  })

  it('refuses another host without TLS', () => {
    expect(() => uploadLocation(response('http://upload.io/1', base.href), base, false)).toThrow('no address')
  })
})
