// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { DigestError, describeError, FormatError, isNydusError, NydusError } from '../../src/error/index.ts'

describe('NydusError', () => {
  it('carries code, details, cause, hint and whether to retry', () => {
    const cause = new Error('below')
    const error = new FormatError('ERR_FORMAT_CORRUPT', 'damaged', {
      details: { offset: 5 },
      cause,
      hint: 'try again',
      retryable: true,
    })
    expect(error).toMatchObject({
      name: 'FormatError',
      code: 'ERR_FORMAT_CORRUPT',
      message: 'damaged',
      details: { offset: 5 },
      hint: 'try again',
      retryable: true,
    })
    expect(error.cause).toBe(cause)
    expect(error).toBeInstanceOf(NydusError)
    expect(error).toBeInstanceOf(Error)
  })
  it('defaults to no details and no retry', () => {
    const error = new DigestError('ERR_DIGEST_INVALID', 'x')
    expect(error).toMatchObject({ name: 'DigestError', details: {}, retryable: false, hint: undefined })
    expect('cause' in error).toBe(false)
  })
})

describe('isNydusError', () => {
  it('matches on the code', () => {
    const error = new FormatError('ERR_FORMAT_CORRUPT', 'x')
    expect(isNydusError(error)).toBe(true)
    expect(isNydusError(error, 'ERR_FORMAT_CORRUPT')).toBe(true)
    expect(isNydusError(error, 'ERR_CACHE_IO', 'ERR_FORMAT_CORRUPT')).toBe(true)
    expect(isNydusError(error, 'ERR_CACHE_IO')).toBe(false)
  })
  it('knows errors of another copy of this package by their brand', () => {
    const foreign = Object.assign(new Error('x'), { code: 'ERR_CACHE_IO', [Symbol.for('nydus.error')]: true })
    expect(isNydusError(foreign, 'ERR_CACHE_IO')).toBe(true)
  })
  it.each([undefined, null, 'text', 5, new Error('x'), { code: 'ERR_CACHE_IO' }])('refuses %j', (value) => {
    expect(isNydusError(value)).toBe(false)
  })
})

describe('describeError', () => {
  it('joins the messages of the causes that add something', () => {
    const root = new Error('connect refused')
    const middle = new Error('cannot fetch: connect refused', { cause: root })
    expect(describeError(new NydusError('ERR_BLOB_READ', 'blob ab12', { cause: middle }))).toBe(
      'blob ab12: cannot fetch: connect refused',
    )
  })
  it('ends with causes that go in circles', () => {
    const error = new Error('a')
    error.cause = error
    expect(describeError(error)).toBe('a')
  })
  it('shows what is no error, and errors without message', () => {
    expect(describeError('text')).toBe('text')
    expect(describeError(undefined)).toBe('undefined')
    expect(describeError(new TypeError())).toBe('TypeError')
  })
})
