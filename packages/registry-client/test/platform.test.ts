// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  type Descriptor,
  formatPlatform,
  type Index,
  MEDIA_TYPE_OCI_MANIFEST,
  parsePlatform,
  platformMatches,
  selectManifest,
} from '../src/index.ts'

function entry(name: string | undefined, id: string, more: Partial<Descriptor> = {}): Descriptor {
  const platform = name === undefined ? {} : { platform: parsePlatform(name) }
  return {
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    digest: `sha256:${id.repeat(64)}`,
    size: 1,
    ...platform,
    ...more,
  }
}
const indexOf = (...manifests: Descriptor[]): Index => ({ schemaVersion: 2, manifests })

describe('parsePlatform', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['Linux/X86_64', 'linux/amd64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/arm/v6', 'linux/arm/v6'],
    ['macos/arm64', 'darwin/arm64'],
  ])('reads %s', (text, expected) => {
    expect(formatPlatform(parsePlatform(text))).toBe(expected)
  })

  it.each(['', 'linux', 'linux/', '/amd64', 'linux/arm/', 'linux/arm/v7/x', 'linux/am d64'])(
    'refuses %j',
    (text) => {
      expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
    },
  )
})

describe('platformMatches', () => {
  it.each([
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm64/v8', 'linux/arm64', true],
    ['linux/arm/v7', 'linux/arm/v6', true],
    ['linux/arm/v6', 'linux/arm/v7', false],
    ['linux/arm', 'linux/arm/v7', true],
    ['linux/amd64', 'linux/amd64/v2', false],
    ['linux/amd64/v3', 'linux/amd64', true],
    ['linux/amd64', 'linux/arm64', false],
    ['windows/amd64', 'linux/amd64', false],
  ])('%s runs on what offers %s: %s', (wanted, offered, expected) => {
    expect(platformMatches(parsePlatform(wanted), parsePlatform(offered))).toBe(expected)
  })
})

describe('selectManifest', () => {
  const wanted = parsePlatform('linux/arm/v7')

  it('takes the highest variant that runs', () => {
    const index = indexOf(entry('linux/arm/v5', 'a'), entry('linux/arm/v6', 'b'), entry('linux/arm64', 'c'))
    expect(selectManifest(index, wanted).digest).toBe(`sha256:${'b'.repeat(64)}`)
  })

  it('takes the first of equals, or the one that is accepted', () => {
    const index = indexOf(entry('linux/arm/v7', 'a'), entry('linux/arm/v7', 'b', { artifactType: 'x' }))
    expect(selectManifest(index, wanted).digest).toContain('aaaa')
    expect(selectManifest(index, wanted, (found) => found.artifactType === 'x').digest).toContain('bbbb')
  })

  it('never takes attestations', () => {
    const attestation = entry(undefined, 'a', {
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
    })
    expect(() => selectManifest(indexOf(attestation), wanted)).toThrow(
      expect.objectContaining({ code: 'ERR_IMAGE_PLATFORM', hint: 'the index is empty' }),
    )
    expect(selectManifest(indexOf(attestation, entry('linux/arm/v7', 'b')), wanted).digest).toContain('bbbb')
  })

  it('takes a lone manifest that names no platform', () => {
    expect(selectManifest(indexOf(entry(undefined, 'a')), wanted).digest).toContain('aaaa')
  })

  it('lists what there is when nothing fits', () => {
    const index = indexOf(entry('linux/amd64', 'a'), entry('linux/s390x', 'b'), entry(undefined, 'c'))
    expect(() => selectManifest(index, wanted)).toThrow(
      expect.objectContaining({
        code: 'ERR_IMAGE_PLATFORM',
        hint: 'it is there for linux/amd64, linux/s390x, unnamed',
      }),
    )
  })
})
