// SPDX-License-Identifier: Apache-2.0
/** Reads one file of a Nydus image through the packages, without a mount and without root. */

import { readBootstrapLayer, readImageDocuments } from '@nydus/checker'
import { openBlobCache } from '@nydus/chunk-cache'
import { storeBackend } from '@nydus/daemon'
import { type BlobInfo, fileExtents, lookupEntry, openBootstrap, readInode } from '@nydus/rafs-format'
import { openImageStore, parsePlatform } from '@nydus/registry-client'

/** The bytes of the file at `path` (its components) in the image `reference`. */
export async function readLazily(
  reference: string,
  path: readonly string[],
  cacheDir: string,
): Promise<Buffer> {
  const store = openImageStore(reference, { plainHttp: true })
  const image = await readImageDocuments(store, {
    platform: parsePlatform(`linux/${process.arch}`),
    prefer: 'nydus',
  })
  const last = image.manifest.layers.at(-1)
  if (last === undefined) throw new Error(`${reference} has no layers`)
  const layer = await readBootstrapLayer(store, last)
  const bootstrap = openBootstrap(layer.bootstrap)
  let nid = bootstrap.rootNid
  for (const name of path) {
    const entry = lookupEntry(bootstrap, nid, Buffer.from(name))
    if (entry === undefined) throw new Error(`${path.join('/')} is not in the image`)
    nid = entry.nid
  }
  const backend = storeBackend(store, true)
  const parts: Uint8Array[] = []
  for (const extent of fileExtents(bootstrap, nid, 0, readInode(bootstrap, nid).size)) {
    const blob = bootstrap.blobs[extent.blobIndex] as BlobInfo
    const metaFile = layer.blobMetas.get(blob.blobId)
    const cache = await openBlobCache({
      blob,
      source: backend.sourceOf(blob),
      workDir: cacheDir,
      ...(metaFile === undefined ? {} : { metaFile }),
    })
    parts.push(await cache.read({ offset: extent.uncompressedOffset, length: extent.length }, {}))
    await cache.close()
  }
  await backend.close()
  return Buffer.concat(parts)
}
