// SPDX-License-Identifier: Apache-2.0
/** Packed files into the directory of a localfs backend. */
import { createReadStream } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { makeDirectories } from '@nydus/registry-client'
import { localFailure } from '../convert/work-directory.ts'
import { openOutputFile } from '../nydus-image/output-file.ts'
import type { PackResult, PushPlace } from './pack-options.ts'

/** The bootstrap and, where there is one, the blob. */
type Packed = Pick<PackResult, 'meta' | 'blob'>

const READ_BYTES = 1 << 20

/** Copies both files, the blob first; a bootstrap never names a blob that is not there. @returns where they are now. */
export async function pushPacked(
  place: PushPlace | undefined,
  packed: Packed,
  signal: AbortSignal | undefined,
): Promise<Packed> {
  if (place === undefined) return packed
  const { directory, blobPrefix, metaPrefix } = place
  const blob =
    packed.blob === undefined
      ? undefined
      : await copyFile(packed.blob, join(directory, `${blobPrefix}${basename(packed.blob)}`), signal)
  const meta = await copyFile(packed.meta, join(directory, `${metaPrefix}${basename(packed.meta)}`), signal)
  return { meta, blob }
}

async function copyFile(from: string, to: string, signal: AbortSignal | undefined): Promise<string> {
  if (resolve(from) === resolve(to)) return to
  try {
    makeDirectories(join(to, '..'))
    const output = await openOutputFile(to)
    try {
      for await (const bytes of createReadStream(from, { highWaterMark: READ_BYTES })) {
        signal?.throwIfAborted()
        await output.write(bytes as Uint8Array)
      }
      await output.commit()
    } finally {
      await output.discard()
    }
    return to
  } catch (error) {
    throw localFailure(error, to)
  }
}
