// SPDX-License-Identifier: Apache-2.0
/** The bootstrap layer of a Nydus image, as it comes from a registry. */
import { FormatError } from '@nydus/base/error'
import { type Bootstrap, openBootstrap } from '../bootstrap.ts'
import { bytesText } from '../byte-text.ts'
import { readSymlink } from '../inode.ts'
import { BOOTSTRAP_LAYER_DIRECTORY, BOOTSTRAP_LAYER_PATH } from '../oci.ts'
import { FILE_TYPE, type Inode, S_IFMT } from '../v6/inode.ts'
import { pathText, walkTree } from '../walk.ts'
import { gunzipCapped } from './gunzip-capped.ts'
import { tarMembers } from './tar-members.ts'

/** An opened bootstrap layer. */
export interface ImageLayer {
  readonly bootstrap: Bootstrap
  /**
   * Blob meta files of the layer by blob id, for `parseBlobMetaFile`. A hint, not a promise: old converters add none,
   * the original's writes headers without records for lz4 blobs, and not every file belongs to a blob of the bootstrap.
   */
  readonly blobMetaFiles: ReadonlyMap<string, Uint8Array>
}

/** How to open a layer. */
export interface ImageLayerOptions {
  /** Cap of the decompressed layer in bytes, 1 GiB by default. */
  readonly maxBytes?: number
}

/** One path of an image. */
export interface ListedFile {
  /** Starts with `/`. Bytes that are not UTF-8 are written as `\xNN`. */
  readonly path: string
  readonly inode: Inode
  /** Target of a symlink. */
  readonly target?: string
}

const DEFAULT_MAX_BYTES = 2 ** 30
const META_SUFFIX = '.blob.meta'

/**
 * Opens the last layer of a Nydus image: gzip (or plain) tar with `image/image.boot`.
 * @param layer the layer's bytes; the caller checks their digest.
 * @throws {DigestError} ERR_DECOMPRESS_FAILED, ERR_DECOMPRESS_TOO_LARGE.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when there is no bootstrap inside, and what `openBootstrap` throws.
 * @example
 * const { bootstrap } = openImageLayer(new Uint8Array(await response.arrayBuffer()))
 * for (const { path } of listFiles(bootstrap)) console.log(path)
 */
export function openImageLayer(layer: Uint8Array, options: ImageLayerOptions = {}): ImageLayer {
  const gzip = layer[0] === 0x1f && layer[1] === 0x8b
  const tar = gzip ? gunzipCapped(layer, options.maxBytes ?? DEFAULT_MAX_BYTES) : layer
  const blobMetaFiles = new Map<string, Uint8Array>()
  let bootstrap: Bootstrap | undefined
  for (const { path, content } of tarMembers(tar)) {
    if (path === BOOTSTRAP_LAYER_PATH) bootstrap = openBootstrap(content)
    const blobId = blobIdOf(path)
    if (blobId !== undefined) blobMetaFiles.set(blobId, content)
  }
  if (bootstrap !== undefined) return { bootstrap, blobMetaFiles }
  throw new FormatError('ERR_FORMAT_CORRUPT', `no ${BOOTSTRAP_LAYER_PATH} in this layer`, {
    hint: 'the bootstrap layer of a Nydus image is its last one',
  })
}

/** Every path of the image, parents first. @throws {FormatError} when the iteration reaches damage. */
export function* listFiles(bootstrap: Bootstrap): Generator<ListedFile, void, undefined> {
  for (const { path, inode } of walkTree(bootstrap)) {
    const symlink = (inode.mode & S_IFMT) === FILE_TYPE.SYMLINK
    yield {
      path: pathText(path),
      inode,
      ...(symlink && { target: bytesText(readSymlink(bootstrap, inode.nid)) }),
    }
  }
}

function blobIdOf(path: string): string | undefined {
  const prefix = `${BOOTSTRAP_LAYER_DIRECTORY}/`
  if (!path.startsWith(prefix) || !path.endsWith(META_SUFFIX)) return undefined
  return path.slice(prefix.length, -META_SUFFIX.length)
}
