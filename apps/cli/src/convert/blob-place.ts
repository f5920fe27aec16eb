// SPDX-License-Identifier: Apache-2.0
/** Where the blobs of a converted image go: into the image's own store, or into a directory that daemons read (localfs). */
import { randomUUID } from 'node:crypto'
import { open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { digestHex, verifiedStream } from '@nydus/base/digest'
import {
  type BlobContent,
  type ContentIdentity,
  type ImageStore,
  makeDirectories,
  type PutBlobOptions,
} from '@nydus/registry-client'
import { transferBlob } from './transfer-blob.ts'
import { localFailure } from './work-directory.ts'

/** A place for blobs. Methods may be called concurrently. */
export interface BlobPlace {
  /** Blobs lie beside the manifest, which therefore lists them. */
  readonly isImageStore: boolean
  /** Stores a blob unless it is there. Nothing half-written stays behind. */
  put(identity: ContentIdentity, content: BlobContent, options: PutBlobOptions): Promise<void>
  /** Stores a blob that another store has. */
  take(identity: ContentIdentity, from: ImageStore, signal?: AbortSignal): Promise<void>
}

/** The image's own store. */
export function imageStorePlace(store: ImageStore): BlobPlace {
  return {
    isImageStore: true,
    put: (identity, content, options) => store.putBlob(identity, content, options),
    take: (identity, from, signal) => transferBlob(identity, from, store, signal),
  }
}

/**
 * Files named by their blob's id.
 * @param directory made when it is missing.
 * @param overwrite write a file that is there already once more.
 */
export function directoryPlace(directory: string, overwrite: boolean): BlobPlace {
  const put: BlobPlace['put'] = async (identity, content, options) => {
    const path = join(directory, digestHex(identity.digest))
    if (!overwrite && (await hasSize(path, identity.size))) return
    const pieces = typeof content === 'function' ? content() : [content]
    await writeWhole(path, identity, pieces, options)
  }
  return {
    isImageStore: false,
    put,
    take: (identity, from, signal) => put(identity, () => from.openBlob(identity, { signal }), { signal }),
  }
}

async function hasSize(path: string, size: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true && found.size === size
}

async function writeWhole(
  path: string,
  identity: ContentIdentity,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { signal, onProgress }: PutBlobOptions,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    makeDirectories(join(path, '..'))
    const file = await open(temporary, 'wx', 0o644)
    try {
      let at = 0
      for await (const bytes of verifiedStream(streamOf(pieces), identity, `blob ${identity.digest}`)) {
        signal?.throwIfAborted()
        for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten
        at += bytes.length
        onProgress?.(at)
      }
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw localFailure(error, path, 'give another directory with --backend-config')
  }
}

async function* streamOf(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* pieces
}
