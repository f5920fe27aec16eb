// SPDX-License-Identifier: Apache-2.0
/** The last layer of a Nydus image: a tar with the bootstrap and the meta files of its blobs. */
import { createHash } from 'node:crypto'
import type { Digest } from '@nydus/base/digest'
import { NydusError } from '@nydus/base/error'
import { decodeLayer, readTar, type TarEntry } from '@nydus/builder'
import { BOOTSTRAP_LAYER_DIRECTORY, BOOTSTRAP_LAYER_PATH } from '@nydus/rafs-format'
import type { ContentIdentity, ImageStore } from '@nydus/registry-client'
import { byteText } from './byte-path.ts'

/** What the bootstrap layer of an image holds. */
export interface BootstrapLayer {
  readonly bootstrap: Uint8Array
  /** Bytes of the cache directory's `<blob id>.blob.meta`, by blob id. */
  readonly blobMetas: ReadonlyMap<string, Uint8Array>
  /** Digest of the layer's plain tar. */
  readonly diffId: Digest
}

/** No bootstrap of a real image comes near; a layer that decodes to more is hostile. */
const MAX_LAYER_BYTES = 1 << 30
const BLOB_META_PATH = new RegExp(`^${BOOTSTRAP_LAYER_DIRECTORY}/([^/]+)\\.blob\\.meta$`)

/**
 * Downloads and unpacks a bootstrap layer; its digest and size are verified.
 * @throws {NydusError} ERR_IMAGE_NOT_NYDUS when it holds no bootstrap, and what the store, `decodeLayer` and `readTar` throw.
 */
export async function readBootstrapLayer(
  store: ImageStore,
  descriptor: ContentIdentity,
  signal?: AbortSignal,
): Promise<BootstrapLayer> {
  const hash = createHash('sha256')
  const options = signal === undefined ? {} : { signal }
  const plain = hashed(decodeLayer(store.openBlob(descriptor, options), { maxBytes: MAX_LAYER_BYTES }), hash)
  let bootstrap: Uint8Array | undefined
  const blobMetas = new Map<string, Uint8Array>()
  for await (const entry of readTar(plain, options)) {
    if (entry.kind !== 'file') continue
    const path = entry.path.map(byteText).join('/')
    const blobId = BLOB_META_PATH.exec(path)?.[1]
    if (path === BOOTSTRAP_LAYER_PATH) bootstrap = await readContent(entry)
    else if (blobId !== undefined) blobMetas.set(blobId, await readContent(entry))
  }
  if (bootstrap === undefined) {
    throw new NydusError('ERR_IMAGE_NOT_NYDUS', `layer ${descriptor.digest} has no ${BOOTSTRAP_LAYER_PATH}`)
  }
  return { bootstrap, blobMetas, diffId: `sha256:${hash.digest('hex')}` }
}

async function* hashed(
  stream: AsyncIterable<Uint8Array>,
  hash: { update(bytes: Uint8Array): unknown },
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const bytes of stream) {
    hash.update(bytes)
    yield bytes
  }
}

async function readContent(entry: TarEntry): Promise<Uint8Array> {
  if (entry.size > MAX_LAYER_BYTES) {
    throw new NydusError('ERR_BUILD_TOO_LARGE', `${entry.size} bytes in one member of a bootstrap layer`)
  }
  const content = new Uint8Array(entry.size)
  let at = 0
  for await (const piece of entry.content) {
    content.set(piece, at)
    at += piece.length
  }
  return content
}
