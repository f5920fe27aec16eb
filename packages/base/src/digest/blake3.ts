// SPDX-License-Identifier: Apache-2.0
/** BLAKE3-256: the native binding where it loads, else plain JavaScript (about 20 times slower). */
import { createRequire } from 'node:module'
import { blake3 as portableBlake3 } from '@noble/hashes/blake3.js'

interface NativeBlake3Hasher {
  update(input: Uint8Array): unknown
  digestBuffer(): Uint8Array
}
interface NativeBinding {
  readonly Blake3Hasher: new () => NativeBlake3Hasher
  blake3(input: Uint8Array): Uint8Array
}

function loadNative(): NativeBinding | undefined {
  try {
    return createRequire(import.meta.url)('@napi-rs/blake-hash') as NativeBinding
  } catch {
    return undefined
  }
}
const native = loadNative()

/** Which implementation was chosen at load. */
export const BLAKE3_IMPLEMENTATION: 'native' | 'portable' = native ? 'native' : 'portable'

/** The 32-byte BLAKE3 hash of `bytes`. */
export function blake3(bytes: Uint8Array): Uint8Array {
  // Not a hasher for each call: setting one up, and collecting it, costs four times the hash of a small chunk.
  return native ? native.blake3(bytes) : portableBlake3(bytes)
}

/** An incremental BLAKE3 hash. */
export function createBlake3(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  if (native) {
    const hasher = new native.Blake3Hasher()
    return {
      update: (bytes) => void hasher.update(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
      digest: () => hasher.digestBuffer(),
    }
  }
  const hasher = portableBlake3.create()
  return { update: (bytes) => void hasher.update(bytes), digest: () => hasher.digest() }
}
