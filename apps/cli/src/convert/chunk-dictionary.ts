// SPDX-License-Identifier: Apache-2.0
/** `bootstrap:registry:IMAGE` and `bootstrap:local:FILE`: chunks that a new image takes from another one's blobs. */
import { readFile } from 'node:fs/promises'
import type { Digest } from '@nydus/base/digest'
import { isNydusError, NydusError } from '@nydus/base/error'
import { type ChunkDict, openChunkDict } from '@nydus/builder'
import { readBootstrapLayer, readImageDocuments } from '@nydus/checker'
import { openBootstrap } from '@nydus/rafs-format'
import type { ImageStore, Platform } from '@nydus/registry-client'
import type { BlobPlace } from './blob-place.ts'
import type { Sized } from './rewrite-manifest.ts'
import { localFailure } from './work-directory.ts'

/** Where a dictionary comes from. */
export interface ChunkDictSource {
  readonly kind: 'registry' | 'local'
  /** An image reference, or a path. */
  readonly place: string
}

/** An open dictionary. */
export interface ChunkDictionary {
  readonly bootstrap: Uint8Array
  readonly dict: ChunkDict
  /**
   * Makes the dictionary's blobs available beside the new image's own.
   * @param blobIds those that the new image refers to.
   * @throws {NydusError} ERR_BLOB_NOT_FOUND when neither the dictionary's image nor the target has one.
   */
  provide(
    blobIds: readonly string[],
    target: ImageStore,
    place: BlobPlace,
    signal?: AbortSignal,
  ): Promise<readonly Sized[]>
}

/** @throws {NydusError} ERR_USAGE for anything but `bootstrap:registry:…` and `bootstrap:local:…`. */
export function parseChunkDictSource(text: string): ChunkDictSource {
  const parts = /^bootstrap:(registry|local):(.+)$/s.exec(text)
  if (parts) return { kind: parts[1] as 'registry' | 'local', place: parts[2] as string }
  throw new NydusError('ERR_USAGE', `chunk dictionary ${JSON.stringify(text)}: invalid args`, {
    hint: 'write bootstrap:registry:IMAGE or bootstrap:local:FILE',
  })
}

/** A dictionary from the bootstrap file at `path`; its blobs must be in the target already. */
export async function openLocalDictionary(path: string): Promise<ChunkDictionary> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw localFailure(error, `chunk dictionary ${path}`)
  })
  return describe(bytes, async () => undefined)
}

/** The dictionary of the Nydus image that the reference of `store` names. @throws {NydusError} ERR_IMAGE_NOT_NYDUS */
export async function openImageDictionary(
  store: ImageStore,
  platform: Platform,
  signal: AbortSignal,
): Promise<ChunkDictionary> {
  const image = await readImageDocuments(store, { platform, prefer: 'nydus', signal })
  const layer = image.manifest.layers.at(-1)
  if (image.kind !== 'nydus' || layer === undefined)
    throw new NydusError('ERR_IMAGE_NOT_NYDUS', `chunk dictionary ${store.reference} is no Nydus image`)
  const { bootstrap } = await readBootstrapLayer(store, layer, signal)
  const blobs = new Map<Digest, Sized>(
    image.manifest.layers.map(({ digest, size }) => [digest, { digest, size }]),
  )
  return describe(bootstrap, async (digest, place) => {
    const identity = blobs.get(digest)
    if (identity !== undefined) await place.take(identity, store, signal)
    return identity
  })
}

/** @param take brings a blob of the dictionary's image; undefined when that has none of this digest. */
function describe(
  bytes: Uint8Array,
  take: (digest: Digest, place: BlobPlace) => Promise<Sized | undefined>,
): ChunkDictionary {
  const dict = openChunkDict(openBootstrap(bytes))
  return {
    bootstrap: bytes,
    dict,
    async provide(blobIds, target, place, signal) {
      const found: Sized[] = []
      for (const blobId of blobIds) {
        const digest: Digest = `sha256:${blobId}`
        found.push(
          (await take(digest, place)) ?? { digest, size: await sizeInTarget(digest, target, signal) },
        )
      }
      return found
    },
  }
}

async function sizeInTarget(digest: Digest, target: ImageStore, signal?: AbortSignal): Promise<number> {
  try {
    return await target.blobSize(digest, signal)
  } catch (error) {
    if (!isNydusError(error, 'ERR_REGISTRY_NOT_FOUND')) throw error
    throw new NydusError(
      'ERR_BLOB_NOT_FOUND',
      `blob ${digest} of the chunk dictionary is not in the target`,
      {
        cause: error,
        hint: 'push the dictionary image to the same repository, or name it with bootstrap:registry:IMAGE',
      },
    )
  }
}
