// SPDX-License-Identifier: Apache-2.0
import { isNydusError } from '@nydus/base/error'
import { describe, expect, it } from 'vitest'
import { loginHint, redactUrl, statusMeaning } from '../src/errors.ts'
import { RegistryError } from '../src/index.ts'

describe('RegistryError', () => {
  it('keeps what a program needs and no secrets', () => {
    const error = new RegistryError('ERR_REGISTRY_DENIED', 'GET https://me:pw@r.io/x failed', {
      status: 403,
      registryCode: 'DENIED',
      url: 'https://me:pw@r.io/x?sig=abc&X-Amz-Date=1',
      details: { digest: 'd' },
    })
    expect(isNydusError(error, 'ERR_REGISTRY_DENIED')).toBe(true)
    expect([error.status, error.registryCode, error.name]).toEqual([403, 'DENIED', 'RegistryError'])
    expect(error.details).toEqual({
      digest: 'd',
      status: 403,
      registryCode: 'DENIED',
      url: 'https://***@r.io/x?sig=***&X-Amz-Date=***',
    })
    expect(error.message).not.toContain('pw')
  })

  it('has details without what is not known', () => {
    expect(new RegistryError('ERR_REGISTRY_DENIED', 'x').details).toEqual({})
  })
})

describe('redactUrl', () => {
  it('keeps a plain address as it is', () => {
    expect(redactUrl('https://r.io/v2/a/blobs/sha256:1')).toBe('https://r.io/v2/a/blobs/sha256:1')
  })
})

describe('statusMeaning', () => {
  it.each([
    [400, false, 'ERR_REGISTRY_BAD_RESPONSE', false],
    [400, true, 'ERR_REGISTRY_UPLOAD_REJECTED', false],
    [401, true, 'ERR_REGISTRY_UNAUTHORIZED', false],
    [403, false, 'ERR_REGISTRY_DENIED', false],
    [404, true, 'ERR_REGISTRY_NOT_FOUND', false],
    [408, false, 'ERR_REGISTRY_TIMEOUT', true],
    [416, false, 'ERR_REGISTRY_RANGE_UNSUPPORTED', false],
    [429, true, 'ERR_REGISTRY_RATE_LIMITED', true],
    [500, true, 'ERR_REGISTRY_UNAVAILABLE', true],
    [501, false, 'ERR_REGISTRY_UNAVAILABLE', false],
    [503, false, 'ERR_REGISTRY_UNAVAILABLE', true],
  ])('%i (upload: %s) is %s, retryable: %s', (status, upload, code, retryable) => {
    expect(statusMeaning(status, upload)).toEqual({ code, retryable })
  })
})

describe('loginHint', () => {
  it('needs no name for Docker Hub', () => {
    expect(loginHint('registry-1.docker.io')).toBe('run "docker login"')
    expect(loginHint('r.io')).toBe('run "docker login r.io"')
  })
})
