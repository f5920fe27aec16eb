// SPDX-License-Identifier: Apache-2.0
import type { BlobContent, PutBlobOptions } from '../image-store.ts'

/** Content for a local store as a stream that stops when the signal fires and reports its progress. */
export async function* contentStream(
  content: BlobContent,
  options: PutBlobOptions,
): AsyncGenerator<Uint8Array> {
  let done = 0
  for await (const bytes of typeof content === 'function' ? content() : [content]) {
    options.signal?.throwIfAborted()
    yield bytes
    done += bytes.length
    options.onProgress?.(done)
  }
}
