// SPDX-License-Identifier: Apache-2.0
/** Where blobs go that are made out of other blobs: their names are known only at their end. */
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildError } from '../build-error.ts'
import type { BlobSink } from '../layer/build-options.ts'

/** A blob on its way to where it is kept. One of `commit` and `discard` ends it. */
export interface NewBlob {
  readonly sink: BlobSink
  /** Makes the blob visible under its id. */
  commit(blobId: string): Promise<void>
  /** Removes what was written. */
  discard(): Promise<void>
}

/** Starts a blob. */
export type CreateBlob = () => Promise<NewBlob>

let opened = 0

/**
 * A blob in `directory`, named by its id once it is complete.
 * @throws {BuildError} ERR_BUILD_IO when the file cannot be created.
 */
export async function openBlobFile(directory: string): Promise<NewBlob> {
  opened += 1
  const written = join(directory, `.new-blob.${process.pid}.${opened}`)
  const file = await open(written, 'wx').catch((cause: unknown) => {
    throw new BuildError('ERR_BUILD_IO', `no blob can be created in ${directory}`, {
      cause,
      details: { directory },
    })
  })
  return {
    sink: { write: (bytes) => file.writeFile(bytes), givesBack: true },
    async commit(blobId) {
      await file.sync()
      await file.close()
      await rename(written, join(directory, blobId))
    },
    async discard() {
      await file.close().catch(() => {})
      await rm(written, { force: true })
    },
  }
}
