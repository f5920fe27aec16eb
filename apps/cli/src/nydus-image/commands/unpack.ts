// SPDX-License-Identifier: Apache-2.0
/** `unpack`: bootstrap and blobs → tar. */
import { unpackImage } from '@nydus/builder'
import { openBlobAccess, readerOf } from '../blob-access.ts'
import type { ImageArguments } from '../command-spec.ts'
import type { ImageContext } from '../context.ts'
import { refused } from '../file-failure.ts'
import { openOutputFile } from '../output-file.ts'
import { bootstrapPath, readBootstrap } from '../read-bootstrap.ts'

/** Runs `unpack`. */
export async function runUnpack(values: ImageArguments, context: ImageContext): Promise<number> {
  const { log, signal } = context
  const output = values.need('output')
  if (output === '') throw refused('invalid empty --output option')
  const access = await openBlobAccess(values, '--blob, --blob-dir or --backend-type')
  try {
    const path = bootstrapPath(values)
    const bootstrap = await readBootstrap(path, context)
    const file = await openOutputFile(output, signal)
    try {
      const chunks = readerOf(bootstrap, path, access, signal)
      const { skipped } = await unpackImage({ bootstrap, chunks, output: file, signal })
      for (const name of skipped) log.warn(`${name} is a socket, which tar does not have`)
      await file.commit()
    } finally {
      await file.discard()
    }
  } finally {
    await access.close()
  }
  return 0
}
