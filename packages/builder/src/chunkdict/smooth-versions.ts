// SPDX-License-Identifier: Apache-2.0
/** Exponential smoothing over the versions of one image: chunks that stay from version to version score high. */
import type { ChunkRow } from './chunk-database.ts'

/** Weight of the chunk itself against those before it. */
const ALPHA = 0.5

/**
 * Chunks whose score is above `threshold`, each digest once. A chunk of the first version scores 0; a later one half of
 * the score of the chunk before it, plus a half if the version before its own has it as well.
 * @param versions the image's chunks version by version, oldest first.
 * @param threshold 0 to 1.
 */
export function lastingChunks(
  versions: readonly (readonly ChunkRow[])[],
  threshold: number,
): readonly ChunkRow[] {
  const chosen = new Map<string, ChunkRow>()
  let before: ReadonlySet<string> | undefined
  let score = 0
  for (const chunks of versions) {
    for (const chunk of chunks) {
      if (before !== undefined) score = ALPHA * (before.has(chunk.digest) ? 1 : 0) + (1 - ALPHA) * score
      if (score > threshold && !chosen.has(chunk.digest)) chosen.set(chunk.digest, chunk)
    }
    before = new Set(chunks.map(({ digest }) => digest))
  }
  return [...chosen.values()]
}
