// SPDX-License-Identifier: Apache-2.0
/** OCI digests: `sha256:<64 lower-case hex digits>`. */
import { DigestError } from '../error/nydus-error.ts'

/** An OCI content digest. */
export type Digest = `sha256:${string}`

const SHA256_DIGEST = /^sha256:[0-9a-f]{64}$/

/** Tells whether `text` is a well-formed sha256 digest. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && SHA256_DIGEST.test(text)
}

/** @throws {DigestError} ERR_DIGEST_INVALID when `text` is not a sha256 digest. */
export function parseDigest(text: unknown): Digest {
  if (isDigest(text)) return text
  throw new DigestError('ERR_DIGEST_INVALID', `not a sha256 digest: ${JSON.stringify(text)?.slice(0, 100)}`, {
    details: { text },
  })
}

/** The 64 hex digits of a digest: RAFS's blob id. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length)
}

/** A digest from 64 hex digits. @throws {DigestError} ERR_DIGEST_INVALID when `hex` is anything else. */
export function digestFromHex(hex: string): Digest {
  return parseDigest(`sha256:${hex}`)
}
