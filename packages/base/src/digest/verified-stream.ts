// SPDX-License-Identifier: Apache-2.0
/** A pass-through that enforces digest and length, and fails before the end of the stream is seen. */
import { createHash } from 'node:crypto'
import { DigestError } from '../error/nydus-error.ts'
import type { Digest } from './digest.ts'

/**
 * Passes `source` on and throws instead of ending when the bytes do not have `expected.digest` or `expected.size`.
 * Consumers must not act on the data before the iteration ended without an error.
 * @param what name of the content for error messages, e.g. `layer sha256:…`.
 * @throws {DigestError} ERR_SIZE_MISMATCH as soon as too many bytes came, or at the end; ERR_DIGEST_MISMATCH at the end.
 */
export async function* verifiedStream(
  source: AsyncIterable<Uint8Array>,
  expected: { readonly digest: Digest; readonly size?: number },
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256')
  let size = 0
  for await (const bytes of source) {
    size += bytes.length
    if (expected.size !== undefined && size > expected.size) throw sizeMismatch(what, expected.size, size)
    hash.update(bytes)
    yield bytes
  }
  if (expected.size !== undefined && size !== expected.size) throw sizeMismatch(what, expected.size, size)
  const found = `sha256:${hash.digest('hex')}`
  if (found !== expected.digest) {
    throw new DigestError('ERR_DIGEST_MISMATCH', `${what}: digest is ${found}, expected ${expected.digest}`, {
      details: { what, expected: expected.digest, found },
    })
  }
}

function sizeMismatch(what: string, expected: number, found: number): DigestError {
  return new DigestError('ERR_SIZE_MISMATCH', `${what}: ${found} bytes received, expected ${expected}`, {
    details: { what, expected, found },
  })
}
