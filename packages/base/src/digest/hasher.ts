// SPDX-License-Identifier: Apache-2.0
/** Chunk and file digests by RAFS digester name. */
import { createHash, hash } from 'node:crypto'
import { blake3, createBlake3 } from './blake3.ts'
import type { Digest } from './digest.ts'

/** RAFS digest algorithms. */
export type Digester = 'blake3' | 'sha256'

/** An incremental hash. `digest()` may be called once. */
export interface Hasher {
  update(bytes: Uint8Array): void
  digest(): Uint8Array
}

/** Starts an incremental hash. */
export function createHasher(digester: Digester): Hasher {
  if (digester === 'blake3') return createBlake3()
  const sha256 = createHash('sha256')
  return { update: (bytes) => void sha256.update(bytes), digest: () => sha256.digest() }
}

/** The 32-byte digest of `bytes`. */
export function digestBytes(digester: Digester, bytes: Uint8Array): Uint8Array {
  return digester === 'blake3' ? blake3(bytes) : hash('sha256', bytes, 'buffer')
}

/** `sha256:` digest of `bytes`. */
export function sha256Digest(bytes: Uint8Array): Digest {
  return `sha256:${hash('sha256', bytes, 'hex')}`
}
