// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { formatReference, isTag, parseReference } from '../src/index.ts'

const HEX = 'a'.repeat(64)

describe('parseReference', () => {
  it.each([
    ['alpine', 'registry-1.docker.io', 'library/alpine', 'latest', undefined],
    ['alpine:3.20', 'registry-1.docker.io', 'library/alpine', '3.20', undefined],
    ['bitnami/redis', 'registry-1.docker.io', 'bitnami/redis', 'latest', undefined],
    ['docker.io/alpine', 'registry-1.docker.io', 'library/alpine', 'latest', undefined],
    ['docker.io/x/y:1', 'registry-1.docker.io', 'x/y', '1', undefined],
    ['index.docker.io/library/x', 'registry-1.docker.io', 'library/x', 'latest', undefined],
    ['localhost/a', 'localhost', 'a', 'latest', undefined],
    ['localhost:5000/a/b/c:T_1.x-2', 'localhost:5000', 'a/b/c', 'T_1.x-2', undefined],
    ['127.0.0.1:80/a', '127.0.0.1:80', 'a', 'latest', undefined],
    ['[::1]:5000/a/b:t', '[::1]:5000', 'a/b', 't', undefined],
    ['[fe80::1]/a', '[fe80::1]', 'a', 'latest', undefined],
    ['ghcr.io/o/r__x.y--z', 'ghcr.io', 'o/r__x.y--z', 'latest', undefined],
    ['Host/a', 'Host', 'a', 'latest', undefined],
    [`a@sha256:${HEX}`, 'registry-1.docker.io', 'library/a', undefined, `sha256:${HEX}`],
    [`r.io/a:t@sha256:${HEX}`, 'r.io', 'a', 't', `sha256:${HEX}`],
  ])('reads %s', (text, registry, repository, tag, digest) => {
    const reference = parseReference(text)
    expect(reference).toEqual({ registry, repository, ...(tag && { tag }), ...(digest && { digest }) })
    expect(parseReference(formatReference(reference))).toEqual(reference)
  })

  it.each([
    ['', 'no repository name'],
    ['https://a.io/b', 'a scheme'],
    ['Alpine', 'bad repository name'],
    ['a.io/B', 'bad repository name'],
    ['a.io/b/', 'bad repository name'],
    ['a.io//b', 'bad repository name'],
    ['a.io/../b', 'bad repository name'],
    ['a_b.io:1/../b', 'bad registry'],
    ['a:', 'bad tag'],
    ['a:-x', 'bad tag'],
    [`a:${'x'.repeat(129)}`, 'bad tag'],
    ['a@sha256:abc', 'bad digest'],
    [`a@sha512:${HEX}`, 'bad digest'],
    ['r.io:99999/a', 'bad registry'],
    ['r.io:0/a', 'bad registry'],
    ['[::1/a', 'bad registry'],
    ['-r.io/a', 'bad registry'],
    ['user@r.io/a', 'bad digest'],
    [`r.io/${'a/'.repeat(130)}a`, 'more than 255'],
    ['a b', 'bad repository name'],
    ['a\nb', 'bad repository name'],
  ])('refuses %j', (text, reason) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: 'ERR_REFERENCE_INVALID', message: expect.stringContaining(reason) }),
    )
  })

  it('writes Docker Hub as people know it', () => {
    expect(formatReference(parseReference('alpine'))).toBe('docker.io/library/alpine:latest')
  })

  it('knows tags', () => {
    expect([isTag('v1'), isTag('_x'), isTag('.x'), isTag('a/b'), isTag('')]).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })
})
