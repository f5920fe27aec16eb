// SPDX-License-Identifier: Apache-2.0
/** From the flags that say where blobs are to a reader of their chunks. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { type LocalBlobPlaces, openLocalBlob } from '@nydus/blob-store'
import { type BlobSource, type ChunkReader, openChunkReader } from '@nydus/chunk-cache'
import type { Bootstrap } from '@nydus/rafs-format'
import type { ImageArguments } from './command-spec.ts'
import { fileFailure, refused } from './file-failure.ts'
import { ownBlobId } from './own-blob-id.ts'

/** Where the blobs of an image are. */
export interface BlobAccess {
  /** Called once a blob. */
  openBlob(blobId: string): BlobSource
  /** Frees files and connections. */
  close(): Promise<void>
}

/**
 * The place that `--blob`, `--backend-type` or `--blob-dir` names, looked for in this order.
 * @param flags those that the command has, for the message.
 * @throws {NydusError} ERR_USAGE without any of them, ERR_CONFIG_INVALID, ERR_BUILD_IO.
 */
export async function openBlobAccess(values: ImageArguments, flags: string): Promise<BlobAccess> {
  const blob = values.text('blob')
  if (blob !== undefined) return localAccess({ blobFile: blob })
  const type = values.text('backend-type')
  if (type !== undefined) return await backendAccess(type, await backendConfigOf(values))
  const directory = values.text('blob-dir')
  if (directory !== undefined) return localAccess({ dir: directory })
  throw refused(`invalid backend configuration, ${flags} must be specified`)
}

/** Blobs in local files. */
export function localAccess(places: LocalBlobPlaces): BlobAccess {
  const opened: ReturnType<typeof openLocalBlob>[] = []
  return {
    openBlob(blobId) {
      const blob = openLocalBlob(places, blobId)
      opened.push(blob)
      return blob
    },
    close: async () => {
      await Promise.all(opened.map((blob) => blob.close()))
    },
  }
}

/** Blobs of a backend with a configuration of its own. @throws {NydusError} ERR_CONFIG_INVALID */
export async function backendAccess(type: string, config: unknown): Promise<BlobAccess> {
  const { openBackend, parseBackend } = await import('@nydus/daemon') // slow to load
  const backend = openBackend(parseBackend(type, config))
  return {
    openBlob: (blobId) => backend.sourceOf({ blobId }),
    close: () => backend.close(),
  }
}

/** A reader of the chunks of `bootstrap`. @param path of the file that the bootstrap came from. */
export function readerOf(
  bootstrap: Bootstrap,
  path: string,
  access: BlobAccess,
  signal: AbortSignal,
): ChunkReader {
  const ids = new Map(bootstrap.blobs.map((blob) => [blob.blobId, ownBlobId(blob, path)]))
  return openChunkReader({
    bootstrap,
    openBlob: (blobId) => access.openBlob(ids.get(blobId) ?? blobId),
    bootstrapBlobId: basename(path).split('.')[0],
    signal,
  })
}

async function backendConfigOf(values: ImageArguments): Promise<unknown> {
  const file = values.text('backend-config-file')
  const text = file === undefined ? values.text('backend-config') : await readConfigText(file)
  if (text === undefined) throw refused('--backend-config or --backend-config-file must be specified')
  return parseJson(text, file ?? '--backend-config')
}

/** Checks that a configuration file is there and is JSON; local bootstraps need nothing else of it. */
export async function readConfig(values: ImageArguments): Promise<unknown> {
  const file = values.text('config')
  return file === undefined ? undefined : parseJson(await readConfigText(file), file)
}

async function readConfigText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw fileFailure(error, 'read configuration', file)
  }
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw refused(`${where}: ${(error as Error).message}`, undefined, 'ERR_CONFIG_INVALID')
  }
}
