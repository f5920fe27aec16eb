// SPDX-License-Identifier: Apache-2.0
/** The last layer of a Nydus image: a small tar.gz with the bootstrap and the blobs' meta files. */
import { promisify } from 'node:util'
import { gzip, type ZlibOptions } from 'node:zlib'
import { alignUp } from '@nydus/base/binary'
import { ZLIB_CHUNK_BYTES } from '@nydus/base/compress'
import { type Digest, sha256Digest } from '@nydus/base/digest'
import { BOOTSTRAP_LAYER_DIRECTORY, BOOTSTRAP_LAYER_PATH, blobMetaLayerPath } from '@nydus/rafs-format'
import { BuildError } from '../build-error.ts'
import { TAR_BLOCK_BYTES } from '../tar/layout.ts'
import { encodeUstarHeader } from '../tar/ustar-header.ts'

/** What goes into the bootstrap layer. */
export interface BootstrapLayerInput {
  /** The merged bootstrap. */
  readonly bootstrap: Uint8Array
  /** `<id>.blob.meta` files in the order of the image's layers, so that nodes need not fetch them from the blobs. */
  readonly blobMetas?: readonly { readonly blobId: string; readonly bytes: Uint8Array }[]
  /** Further files of the directory, behind the others: `prefetch.files`, `backend.json`. */
  readonly files?: readonly { readonly name: string; readonly bytes: Uint8Array }[]
}

/** A layer ready to be pushed. */
export interface BootstrapLayer {
  /** The tar.gz. */
  readonly bytes: Uint8Array
  readonly digest: Digest
  /** Bytes of the tar.gz. */
  readonly size: number
  /** SHA-256 of the plain tar. */
  readonly diffId: Digest
}

const gzipAsync = promisify<Uint8Array, ZlibOptions, Buffer>(gzip)
/** Where a gzip header names the operating system, and the value for none: the bytes must not depend on the machine. */
const GZIP_OS_OFFSET = 9
const GZIP_OS_UNKNOWN = 255
const DIRECTORY_MODE = 0o755
const FILE_MODE = 0o444
/** A tar ends with two zero blocks. */
const END_BYTES = 2 * TAR_BLOCK_BYTES
const SAFE_BLOB_ID = /^[0-9a-f]{64}$/

/**
 * Packs the bootstrap layer. The same input gives the same bytes; the plain tar equals the one of the original.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for a blob id that is not 64 hex digits or comes twice.
 */
export async function buildBootstrapLayer(input: BootstrapLayerInput): Promise<BootstrapLayer> {
  const tar = packTar(input)
  const bytes = await gzipAsync(tar, { level: 6, chunkSize: ZLIB_CHUNK_BYTES })
  bytes[GZIP_OS_OFFSET] = GZIP_OS_UNKNOWN
  return { bytes, digest: sha256Digest(bytes), size: bytes.length, diffId: sha256Digest(tar) }
}

function packTar({ bootstrap, blobMetas = [], files: others = [] }: BootstrapLayerInput): Uint8Array {
  checkBlobIds(blobMetas.map(({ blobId }) => blobId))
  const files = [
    { path: BOOTSTRAP_LAYER_PATH, bytes: bootstrap },
    ...blobMetas.map(({ blobId, bytes }) => ({ path: blobMetaLayerPath(blobId), bytes })),
    ...others.map(({ name, bytes }) => ({ path: `${BOOTSTRAP_LAYER_DIRECTORY}/${name}`, bytes })),
  ]
  const contents = files.reduce(
    (sum, { bytes }) => sum + TAR_BLOCK_BYTES + alignUp(bytes.length, TAR_BLOCK_BYTES),
    0,
  )
  const tar = new Uint8Array(TAR_BLOCK_BYTES + contents + END_BYTES)
  tar.set(
    encodeUstarHeader({ path: BOOTSTRAP_LAYER_DIRECTORY, type: 'directory', mode: DIRECTORY_MODE, size: 0 }),
  )
  let at = TAR_BLOCK_BYTES
  for (const { path, bytes } of files) {
    tar.set(encodeUstarHeader({ path, type: 'file', mode: FILE_MODE, size: bytes.length }), at)
    tar.set(bytes, at + TAR_BLOCK_BYTES)
    at += TAR_BLOCK_BYTES + alignUp(bytes.length, TAR_BLOCK_BYTES)
  }
  return tar
}

function checkBlobIds(blobIds: readonly string[]): void {
  const seen = new Set<string>()
  for (const blobId of blobIds) {
    if (!SAFE_BLOB_ID.test(blobId) || seen.has(blobId)) {
      const why = seen.has(blobId) ? 'comes twice' : 'is not 64 hex digits'
      throw new BuildError('ERR_BUILD_OPTION_CONFLICT', `blob id ${JSON.stringify(blobId)} ${why}`, {
        details: { blobId },
      })
    }
    seen.add(blobId)
  }
}
