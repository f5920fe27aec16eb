// SPDX-License-Identifier: Apache-2.0
/** A bootstrap for a plain tar that is used as it is: the kernel reads files at their places in it, in 512-byte blocks. */
import { type Digest, digestFromHex } from '@nydus/base/digest'
import { BLOB_FEATURES, type ChunkInfo, SUPER_FLAGS } from '@nydus/rafs-format'
import { TARFS_BLOCK_BYTES } from '@nydus/rafs-format/layout'
import { type BlobDescription, writeBootstrap } from '../bootstrap/write-bootstrap.ts'
import { BuildError } from '../build-error.ts'
import { layerTooLarge, MAX_LAYER_BYTES } from '../decode/decode-layer.ts'
import { type BuildLayerOptions, checkChunkSize, DEFAULT_CHUNK_SIZE } from '../layer/build-options.ts'
import { abortable } from '../layer/until-aborted.ts'
import type { TarEntry } from '../tar/entry.ts'
import { readTar } from '../tar/read-tar.ts'
import { displayPath } from '../tree/byte-name.ts'
import { createLayerTree, type LayerTree } from '../tree/layer-tree.ts'
import { openTarLayer } from '../zran/layer-reader.ts'

/** How a tar is described; members left out have the defaults of `buildLayer`. */
export type BuildTarfsOptions = Pick<
  BuildLayerOptions,
  'chunkSize' | 'blobId' | 'repeatable' | 'prefetchPatterns' | 'maxTarBytes' | 'signal'
>

/** A described tar. */
export interface TarfsBuild {
  /** Hex SHA-256 of the tar, or the id that was asked for: the name under which readers look for the tar. */
  readonly blobId: string
  /** SHA-256 of the tar. */
  readonly diffId: Digest
  /** Bytes of the tar. */
  readonly tarSize: number
  readonly bootstrap: Uint8Array
  /** The blob table of the bootstrap: the tar, unless it has no file data. */
  readonly blobs: readonly BlobDescription[]
  readonly chunkCount: number
  /** True when the tar has file data. */
  readonly hasData: boolean
}

const NO_DIGEST = new Uint8Array(32)
const NO_IV = new Uint8Array(8)
/** Chunk indexes have 24 bits, the last one is taken. */
const MAX_CHUNKS = 0xff_ffff
/** Block addresses have 32 bits. */
const MAX_TAR_BYTES = 2 ** 32 * TARFS_BLOCK_BYTES

/**
 * Describes a plain tar. Its bytes are read once and not kept; memory grows with the number of files. The same tar gives
 * the same bytes.
 * @param input the plain tar, read to its end.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT, ERR_BUILD_BAD_TAR (also for a compressed layer),
 *   ERR_BUILD_UNSUPPORTED_ENTRY for sparse files and all that `buildLayer` refuses, ERR_BUILD_TOO_LARGE; {DigestError}
 *   ERR_DECOMPRESS_TOO_LARGE past `maxTarBytes`; the signal's reason; and what `input` throws.
 */
export async function buildTarfs(
  input: AsyncIterable<Uint8Array>,
  options: BuildTarfsOptions = {},
): Promise<TarfsBuild> {
  const chunkSize = options.chunkSize ?? DEFAULT_CHUNK_SIZE
  checkChunkSize(chunkSize)
  const tree = createLayerTree({ explicitOwners: options.repeatable !== true })
  const { digest, size } = await readFiles(input, options, tree, chunkSize)
  tree.finish()
  const chunkCount = tree.chunks.count
  const blobId = options.blobId ?? digest
  const blobs = chunkCount === 0 ? [] : [describeTar(blobId, size, chunkCount)]
  const bootstrap = writeBootstrap({
    tree,
    blobs,
    chunkSize,
    compressor: 'none',
    digester: 'sha256',
    extraFlags: SUPER_FLAGS.TARFS_MODE,
    explicitOwners: options.repeatable !== true,
    prefetchPatterns: options.prefetchPatterns ?? [],
  })
  const diffId = digestFromHex(digest)
  return { blobId, diffId, tarSize: size, bootstrap, blobs, chunkCount, hasData: chunkCount > 0 }
}

async function readFiles(
  input: AsyncIterable<Uint8Array>,
  { maxTarBytes = MAX_LAYER_BYTES, signal }: BuildTarfsOptions,
  tree: LayerTree,
  chunkSize: number,
): Promise<{ readonly digest: string; readonly size: number }> {
  const reader = openTarLayer(signal === undefined ? input : abortable(input, signal))
  const limit = Math.min(maxTarBytes, MAX_TAR_BYTES)
  async function* tar(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const piece = await reader.read(Number.POSITIVE_INFINITY)
        if (piece === undefined) return
        if (reader.tarSize > limit) throw layerTooLarge(limit)
        yield piece
      }
    } finally {
      await reader.close()
    }
  }
  for await (const entry of readTar(tar(), signal === undefined ? {} : { signal })) {
    if (tree.accepts(entry)) tree.addEntry(entry, chunksOf(entry, tree.chunks.count, chunkSize))
  }
  return { digest: reader.digests().file, size: reader.tarSize }
}

/** The chunks of a file: pieces of the tar, numbered on from `firstIndex`. */
function chunksOf(entry: TarEntry, firstIndex: number, chunkSize: number): ChunkInfo[] {
  const chunks: ChunkInfo[] = []
  if (entry.kind !== 'file' || entry.size === 0) return chunks
  const { contentOffset, size } = entry
  if (contentOffset === undefined) throw sparseFile(entry)
  if (firstIndex + Math.ceil(size / chunkSize) > MAX_CHUNKS) {
    throw new BuildError('ERR_BUILD_TOO_LARGE', `the tar has more than ${MAX_CHUNKS} chunks`, {
      hint: 'use larger chunks',
    })
  }
  for (let fileOffset = 0; fileOffset < size; fileOffset += chunkSize) {
    const length = Math.min(chunkSize, size - fileOffset)
    const offset = contentOffset + fileOffset
    chunks.push({
      digest: NO_DIGEST,
      blobIndex: 0,
      flags: 0,
      compressedSize: length,
      uncompressedSize: length,
      compressedOffset: offset,
      uncompressedOffset: offset,
      fileOffset,
      chunkIndex: firstIndex + chunks.length,
      crc32c: 0,
    })
  }
  return chunks
}

function sparseFile(entry: TarEntry): BuildError {
  const path = displayPath(entry.path)
  const message = `${path} is a sparse file, whose content does not lie in the tar as it is`
  return new BuildError('ERR_BUILD_UNSUPPORTED_ENTRY', message, { details: { path, offset: entry.offset } })
}

function describeTar(blobId: string, size: number, chunkCount: number): BlobDescription {
  return {
    blobId,
    chunkCount,
    compressor: 'none',
    digester: 'sha256',
    features: BLOB_FEATURES.CAP_TAR_TOC | BLOB_FEATURES.TARFS,
    compressedSize: size,
    uncompressedSize: size,
    tocSize: 0,
    tocDigest: NO_DIGEST,
    // There is no chunk array; this is what the original leaves in the field.
    metaCompressor: 'lz4_block',
    metaOffset: 0,
    metaCompressedSize: 0,
    metaUncompressedSize: 0,
    metaBlobDigest: NO_DIGEST,
    metaBlobSize: 0,
    ivTail: NO_IV,
    cipher: 0,
  }
}
