// SPDX-License-Identifier: Apache-2.0
export { BLAKE3_IMPLEMENTATION } from './blake3.ts'
export { type Digest, digestFromHex, digestHex, isDigest, parseDigest } from './digest.ts'
export { createHasher, type Digester, digestBytes, type Hasher, sha256Digest } from './hasher.ts'
export { verifiedStream } from './verified-stream.ts'
