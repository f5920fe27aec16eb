// SPDX-License-Identifier: Apache-2.0
import type { Descriptor, Platform } from '@nydus/registry-client'
import { describe, expect, it } from 'vitest'
import { cacheVersionText, updateGroups } from '../../src/convert/build-cache.ts'

const AMD64: Platform = { os: 'linux', architecture: 'amd64' }
const ARM64: Platform = { os: 'linux', architecture: 'arm64' }
const digest = (text: string): `sha256:${string}` => `sha256:${text.repeat(64).slice(0, 64)}`

function record(source: string, blob = source): Descriptor {
  return {
    mediaType: 'application/vnd.oci.image.layer.nydus.blob.v1',
    digest: digest(blob),
    size: 1,
    annotations: { 'containerd.io/snapshot/nydus-source-digest': digest(source) },
  }
}

describe('the records of a build cache', () => {
  it('one image makes one manifest without a platform', () => {
    const groups = updateGroups([], [{ platform: AMD64, records: [record('a')] }], 200)
    expect(groups).toEqual([{ platform: undefined, records: [record('a')] }])
  })

  it('several images make one manifest a platform', () => {
    const images = [AMD64, ARM64].map((platform) => ({ platform, records: [record('a')] }))
    expect(updateGroups([], images, 200).map(({ platform }) => platform)).toEqual([AMD64, ARM64])
  })

  it('new records come first, replace those of the same layer, and push out the oldest', () => {
    const found = [{ platform: undefined, records: [record('a'), record('b'), record('c')] }]
    const [group] = updateGroups(found, [{ platform: AMD64, records: [record('d'), record('b', 'e')] }], 3)
    expect(group?.records).toEqual([record('d'), record('b', 'e'), record('a')])
  })

  it('platforms that were not converted stay', () => {
    const found = [AMD64, ARM64].map((platform) => ({ platform, records: [record('a')] }))
    const groups = updateGroups(found, [{ platform: ARM64, records: [record('b')] }], 200)
    expect(groups).toEqual([
      { platform: ARM64, records: [record('b'), record('a')] },
      { platform: AMD64, records: [record('a')] },
    ])
  })

  it('writes the default version as the original does', () => {
    expect([cacheVersionText('v1'), cacheVersionText('v2')]).toEqual(['', 'v2'])
  })
})
