// SPDX-License-Identifier: Apache-2.0
/** Where the bytes of a blob go. */
import { type OutputFile, openOutputFile, openOutputIn } from '../output-file.ts'
import type { BlobPlace } from './create-plan.ts'

/** Opens the place of the blob. `commit(blobId)` names it in a directory. @throws {NydusError} ERR_BUILD_IO, ERR_NO_SPACE */
export async function openBlobOutput(place: BlobPlace, signal: AbortSignal): Promise<OutputFile> {
  switch (place.kind) {
    case 'file':
      return await openOutputFile(place.path, signal)
    case 'directory':
      return await openOutputIn(place.path)
    default:
      return discardingOutput()
  }
}

/** Counts bytes and keeps none. */
function discardingOutput(): OutputFile {
  let size = 0
  return {
    givesBack: true,
    get size() {
      return size
    },
    async write(bytes) {
      size += bytes.length
    },
    commit: async () => undefined,
    discard: async () => undefined,
  }
}
