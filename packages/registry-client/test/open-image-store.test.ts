// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { openImageStore } from '../src/index.ts'

describe('openImageStore', () => {
  it.each([
    ['alpine', 'registry', 'docker.io/library/alpine:latest'],
    ['localhost:5000/a', 'registry', 'localhost:5000/a:latest'],
    ['oci:some/dir', 'oci-layout', 'oci:some/dir'],
    ['oci:/abs/dir:v1', 'oci-layout', 'oci:/abs/dir:v1'],
    ['oci:C:\\images:v1', 'oci-layout', 'oci:C:\\images:v1'],
    [`oci:d@sha256:${'a'.repeat(64)}`, 'oci-layout', `oci:d@sha256:${'a'.repeat(64)}`],
    ['oci-archive:a.tar:reg.io/x:1', 'oci-archive', 'oci-archive:a.tar:reg.io/x:1'],
    ['docker-archive:a.tar', 'docker-archive', 'docker-archive:a.tar'],
  ])('opens %s', async (text, kind, reference) => {
    const store = openImageStore(text)
    expect([store.kind, store.reference]).toEqual([kind, reference])
    await store.close()
  })

  it.each(['', 'oci:', 'oci-archive:', 'oci::v1', 'oci:d@sha256:abc', 'docker-archive:', 'oci:d:'])(
    'refuses %j',
    (text) => {
      expect(() => openImageStore(text)).toThrow(expect.objectContaining({ code: 'ERR_REFERENCE_INVALID' }))
    },
  )
})
