// SPDX-License-Identifier: Apache-2.0
import { type MadeBlob, makeBlob, randomChunk } from './made-blob.ts'

/** Enough chunks that filling takes a while. */
export function crashBlob(): MadeBlob {
  return makeBlob(
    Array.from({ length: 400 }, (_, i) => randomChunk(20_000 + i, i)),
    { crc: true },
  )
}
