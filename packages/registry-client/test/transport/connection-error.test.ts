// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { RegistryError } from '../../src/index.ts'
import { connectionError, isLoopback, suggestsPlainHttp } from '../../src/transport/connection-error.ts'

const url = new URL('https://localhost:5000/v2/a?sig=secret')
const withCode = (code: string): Error => Object.assign(new Error('low level'), { code })

describe('connectionError', () => {
  it.each([
    [
      'ECONNREFUSED',
      'ERR_REGISTRY_CONNECTION',
      true,
      'nothing listens on localhost:5000',
      '--plain-http',
      true,
    ],
    ['ENOTFOUND', 'ERR_REGISTRY_CONNECTION', true, 'no address found for localhost', 'written right', false],
    ['ECONNRESET', 'ERR_REGISTRY_CONNECTION', true, 'the connection broke (ECONNRESET)', undefined, true],
    ['UND_ERR_HEADERS_TIMEOUT', 'ERR_REGISTRY_TIMEOUT', true, 'no answer in time', undefined, true],
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'ERR_REGISTRY_CONNECTION',
      false,
      'not trusted',
      '--source-insecure',
      false,
    ],
    [
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'ERR_REGISTRY_CONNECTION',
      false,
      'does not speak TLS',
      '--plain-http',
      true,
    ],
    ['UND_ERR_DESTROYED', 'ERR_REGISTRY_CONNECTION', false, 'the store is closed', undefined, false],
  ])('describes %s', (code, expected, retryable, text, hint, plainHttp) => {
    // As undici nests it.
    const error = connectionError(
      new TypeError('fetch failed', { cause: new AggregateError([withCode(code)]) }),
      'GET',
      url,
    )
    expect(error).toMatchObject({ code: expected, retryable, message: expect.stringContaining(text) })
    const found = error as RegistryError
    if (hint === undefined) expect(found.hint).toBeUndefined()
    else expect(found.hint).toContain(hint)
    expect(`${found.message}${JSON.stringify(found.details)}`).not.toContain('secret')
    expect(suggestsPlainHttp(found)).toBe(plainHttp)
  })

  it('passes our own errors through', () => {
    const own = new RegistryError('ERR_REGISTRY_DENIED', 'x')
    expect(connectionError(own, 'GET', url)).toBe(own)
    expect(suggestsPlainHttp(own)).toBe(false)
  })

  it('has words for what it does not know', () => {
    expect(connectionError('odd', 'GET', url)).toMatchObject({
      message: 'GET https://localhost:5000/v2/a: the connection broke',
    })
  })
})

it('isLoopback knows this machine', () => {
  expect(
    ['localhost', '127.0.0.1', '127.8.9.1', '[::1]', '10.0.0.1', '127.evil.io', 'localhost.io'].map(
      isLoopback,
    ),
  ).toEqual([true, true, true, true, false, false, false])
})
