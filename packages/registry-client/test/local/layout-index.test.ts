// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { type Descriptor, type Index, MEDIA_TYPE_OCI_MANIFEST } from '../../src/index.ts'
import { selectEntry, withEntry } from '../../src/local/layout-index.ts'

function entry(id: string, refName?: string, containerdName?: string): Descriptor {
  const annotations = {
    ...(refName && { 'org.opencontainers.image.ref.name': refName }),
    ...(containerdName && { 'io.containerd.image.name': containerdName }),
  }
  return { mediaType: MEDIA_TYPE_OCI_MANIFEST, digest: `sha256:${id.repeat(64)}`, size: 1, annotations }
}
const indexOf = (...manifests: Descriptor[]): Index => ({ schemaVersion: 2, manifests })

describe('selectEntry', () => {
  it.each([
    ['v1', entry('a', 'v1')],
    ['alpine:3', entry('a', '3', 'docker.io/library/alpine:3')],
    ['docker.io/library/alpine:3', entry('a', 'alpine:3')],
    ['3', entry('a', 'docker.io/library/alpine:3')],
    [undefined, entry('a', 'whatever')],
  ])('finds %s', (name, wanted) => {
    const others = name === undefined ? [] : [entry('b', 'other'), entry('c')]
    expect(selectEntry(indexOf(...others, wanted), name === undefined ? {} : { name }, 'x')).toBe(wanted)
  })

  it('prefers the exact name', () => {
    const exact = entry('a', '3')
    expect(selectEntry(indexOf(entry('b', 'reg.io/x:3'), exact), { name: '3' }, 'x')).toBe(exact)
  })

  it('takes the only entry without a name when no name is asked for', () => {
    const unnamed = entry('a')
    expect(selectEntry(indexOf(entry('b', 'v1'), unnamed), {}, 'x')).toBe(unnamed)
  })

  it('does not guess among several', () => {
    expect(() => selectEntry(indexOf(entry('a', 'v1'), entry('b', 'v2')), {}, 'oci:x')).toThrow(
      expect.objectContaining({
        code: 'ERR_REGISTRY_NOT_FOUND',
        hint: 'name one after a colon: it holds v1, v2',
      }),
    )
    expect(() => selectEntry(indexOf(entry('a', 'v1')), { name: 'v3' }, 'oci:x')).toThrow(
      'oci:x holds no image "v3"',
    )
  })

  it('finds digests', () => {
    const index = indexOf(entry('a', 'v1'), entry('b', 'v2'))
    expect(selectEntry(index, { digest: `sha256:${'b'.repeat(64)}` }, 'x')).toBe(index.manifests[1])
    expect(() => selectEntry(index, { digest: `sha256:${'c'.repeat(64)}` }, 'x')).toThrow('holds no image')
  })
})

describe('withEntry', () => {
  it('replaces the entry of the tag, keeps the rest and the members it does not know', () => {
    const index = { ...indexOf(entry('a', 'v1'), entry('b', 'v2')), annotations: { kept: 'yes' } }
    const result = withEntry(index, entry('c'), 'v1')
    expect(result.manifests.map(({ digest }) => digest.charAt(7))).toEqual(['b', 'c'])
    expect(result.annotations).toEqual({ kept: 'yes' })
  })

  it('has one unnamed entry', () => {
    const once = withEntry(undefined, entry('a'), undefined)
    expect(withEntry(once, entry('b'), undefined).manifests.map(({ digest }) => digest.charAt(7))).toEqual([
      'b',
    ])
  })
})
