// SPDX-License-Identifier: Apache-2.0
/** The chunk digests of a file while it streams by: memory for one digest a chunk, never for content. */
import { createHasher, type Digester, digestBytes, type Hasher } from '@nydus/base/digest'

/** How the target cuts and digests files. */
export interface ChunkScheme {
  /** Bytes of every chunk of a file but the last. */
  readonly chunkSize: number
  readonly digester: Digester
}

/** Bytes of a chunk digest. */
export const DIGEST_BYTES = 32

/** @returns 32 bytes for each chunk; nothing for an empty file. */
export async function digestContent(
  content: AsyncIterable<Uint8Array>,
  scheme: ChunkScheme,
): Promise<Uint8Array> {
  const digests: Uint8Array[] = []
  let hasher: Hasher | undefined
  let inChunk = 0
  let lone: Uint8Array | undefined // the only piece of the chunk so far: small files need no incremental hash
  const flush = () => {
    if (lone !== undefined) digests.push(digestBytes(scheme.digester, lone))
    else if (hasher !== undefined) digests.push(hasher.digest())
    lone = undefined
    hasher = undefined
    inChunk = 0
  }
  for await (const piece of content) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + scheme.chunkSize - inChunk)
      if (inChunk === 0 && (part.length === scheme.chunkSize || at + part.length === piece.length)) {
        lone = part.length === scheme.chunkSize ? part : new Uint8Array(part) // a copy: slice() of a Buffer is a view
      } else {
        hasher ??= startHash(scheme, lone)
        lone = undefined
        hasher.update(part)
      }
      inChunk += part.length
      at += part.length
      if (inChunk === scheme.chunkSize) flush()
    }
  }
  if (inChunk > 0) flush()
  return digests.length === 1 ? (digests[0] as Uint8Array) : Buffer.concat(digests)
}

function startHash(scheme: ChunkScheme, first: Uint8Array | undefined): Hasher {
  const hasher = createHasher(scheme.digester)
  if (first !== undefined) hasher.update(first)
  return hasher
}
