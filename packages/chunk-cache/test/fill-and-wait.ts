// SPDX-License-Identifier: Apache-2.0
/** Run as a process by crash.test.ts, which kills it: fills a cache chunk by chunk, persisting all the time. */
import { openBlobCache } from '../src/index.ts'
import { crashBlob } from './crash-blob.ts'
import { BLOB_ID } from './made-blob.ts'

const [workDir = ''] = process.argv.slice(2)
const made = crashBlob()
const source = {
  blobId: BLOB_ID,
  read: async (range: { offset: number; length: number }) =>
    made.bytes.slice(range.offset, range.offset + range.length),
}
const cache = await openBlobCache({ blob: made.blob, source, workDir, amplifyBytes: 0 })
process.stdout.write('open\n')
for (const { uncompressedOffset } of made.chunks) {
  await cache.fill({ offset: uncompressedOffset, length: 1 })
  await cache.flush()
}
await cache.close()
