// SPDX-License-Identifier: Apache-2.0
/**
 * A chunk dictionary out of many images: a bootstrap that refers to their blobs.
 *
 *   /chunkdict          an empty file, as the original has it
 *   /chunks/<digest>    one file a chunk, so that the dictionary is an image like any other
 */
import { basename, dirname } from 'node:path'
import {
  BLOB_FEATURES,
  type BlobInfo,
  type Bootstrap,
  FILE_TYPE,
  openBootstrap,
  SUPER_FLAGS,
} from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'
import { type BlobDescription, writeBootstrap } from '../bootstrap/write-bootstrap.ts'
import { BuildError } from '../build-error.ts'
import { ChunkStore } from '../tree/chunk-store.ts'
import { createNode, type Node } from '../tree/node.ts'
import { chooseChunks } from './choose-chunks.ts'
import type { ChunkDatabase, ChunkRow } from './chunk-database.ts'

/** One version of an image to learn from. */
export interface DictSource {
  readonly bootstrap: Uint8Array | Bootstrap
  /** Without tag or version, e.g. `redis`. */
  readonly image: string
  /** E.g. `7.2.1`: versions are ordered by the numbers in them. */
  readonly version: string
}

/** A generated dictionary. */
export interface ChunkDictResult {
  readonly bootstrap: Uint8Array
  /** Of the blobs that the dictionary refers to, in table order. */
  readonly blobIds: readonly string[]
  /** Number of chunks. */
  readonly chunkCount: number
  /** Images that are like no others: using a dictionary is not recommended for them. */
  readonly noiseImages: readonly string[]
}

const OWNER = 1000
const NO_SOURCES = 'a chunk dictionary needs at least one bootstrap'

/**
 * Saves the images' chunks in the database and chooses from everything that is in it. The same database and sources
 * give the same bytes.
 * @throws {BuildError} ERR_BUILD_DICT_MISMATCH when the images differ in version, chunk size or digests,
 *   ERR_BUILD_OPTION_CONFLICT without images or for tarfs ones, {FormatError} for a damaged bootstrap.
 */
export function generateChunkDict(input: {
  readonly sources: readonly DictSource[]
  readonly database: ChunkDatabase
}): ChunkDictResult {
  const { sources, database } = input
  const bootstraps = sources.map(({ bootstrap }) =>
    bootstrap instanceof Uint8Array ? openBootstrap(bootstrap) : bootstrap,
  )
  const [first] = bootstraps
  if (first === undefined) throw new BuildError('ERR_BUILD_OPTION_CONFLICT', NO_SOURCES)
  for (const bootstrap of bootstraps) checkSource(bootstrap, first)
  for (const [i, { image, version }] of sources.entries()) {
    database.saveImage(image, version, bootstraps[i] as Bootstrap)
  }
  const rows = database.chunks()
  const chosen = chooseChunks(rows)
  const blobs = database.blobs()
  const chunks = withTheirBlobs(rows, chosen.chunks).filter(({ blobId }) => blobs.has(blobId))
  return { ...writeDict(first, chunks, blobs), noiseImages: chosen.noiseImages }
}

/**
 * Image and version by the name of the directory that a bootstrap is in: `…/<image>:<version>/<file>`; what stands before
 * the image, also with colons, is left out.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for a directory name without a colon.
 */
export function imageOfBootstrapPath(path: string): Pick<DictSource, 'image' | 'version'> {
  const directory = basename(dirname(path))
  const parts = directory.split(':')
  const [image, version] = parts.slice(-2)
  if (image !== undefined && version !== undefined) return { image, version }
  throw new BuildError(
    'ERR_BUILD_OPTION_CONFLICT',
    `directory ${JSON.stringify(directory)} names no image version`,
    {
      details: { path },
      hint: 'put each bootstrap into a directory named <image>:<version>',
    },
  )
}

function checkSource(bootstrap: Bootstrap, first: Bootstrap): void {
  if ((bootstrap.flags & SUPER_FLAGS.TARFS_MODE) !== 0n) {
    throw new BuildError('ERR_BUILD_OPTION_CONFLICT', 'a tarfs bootstrap has no chunk digests')
  }
  for (const aspect of ['fsVersion', 'chunkSize', 'digester'] as const) {
    const [expected, found] = [first[aspect], bootstrap[aspect]]
    if (expected === found) continue
    const message = `images of a chunk dictionary differ in ${aspect}: ${expected} and ${found}`
    throw new BuildError('ERR_BUILD_DICT_MISMATCH', message, { details: { aspect, expected, found } })
  }
}

/** A blob that is referred to costs no more with all of its chunks. Each digest once, in the order of blobs and places. */
function withTheirBlobs(rows: readonly ChunkRow[], chosen: readonly ChunkRow[]): readonly ChunkRow[] {
  const blobIds = new Set(chosen.map(({ blobId }) => blobId))
  const chunks = new Map<string, ChunkRow>(chosen.map((chunk) => [chunk.digest, chunk]))
  for (const row of rows) if (blobIds.has(row.blobId) && !chunks.has(row.digest)) chunks.set(row.digest, row)
  return [...chunks.values()].sort(
    (a, b) => compareText(a.blobId, b.blobId) || a.uncompressedOffset - b.uncompressedOffset,
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function writeDict(
  first: Bootstrap,
  rows: readonly ChunkRow[],
  known: ReadonlyMap<string, BlobInfo>,
): Omit<ChunkDictResult, 'noiseImages'> {
  const blobIds = [...new Set(rows.map(({ blobId }) => blobId))]
  const chunks = new ChunkStore()
  const files = rows.map((row): [string, Node] => [
    row.digest,
    chunkFile(row, blobIds.indexOf(row.blobId), chunks),
  ])
  const children = new Map([['chunkdict', createNode({ mode: FILE_TYPE.REGULAR | 0o660 })]])
  if (files.length > 0) {
    children.set('chunks', createNode({ mode: FILE_TYPE.DIRECTORY | 0o755, children: new Map(files) }))
  }
  const root = createNode({ mode: FILE_TYPE.DIRECTORY | 0o660, uid: OWNER, gid: OWNER, children })
  const bootstrap = writeBootstrap({
    fsVersion: first.fsVersion,
    tree: { root, chunks },
    blobs: blobIds.map((blobId) => dictBlob(known.get(blobId) as BlobInfo)),
    chunkSize: first.chunkSize,
    compressor: first.compressor,
    digester: first.digester,
    // As in merged images.
    extraFlags: SUPER_FLAGS.HAS_XATTR,
  })
  return { bootstrap, blobIds, chunkCount: rows.length }
}

function dictBlob(blob: BlobInfo): BlobDescription {
  const features = (blob.features & ~BLOB_FEATURES.INLINED_FS_META) | BLOB_FEATURES.IS_CHUNKDICT_GENERATED
  return { ...blob, features: features >>> 0 }
}

function chunkFile(row: ChunkRow, blobIndex: number, chunks: ChunkStore): Node {
  const { compressedSize, uncompressedSize, compressedOffset, uncompressedOffset, chunkIndex, crc32c } = row
  const chunkStart = chunks.add({
    digest: new Uint8Array(Buffer.from(row.digest, 'hex')),
    blobIndex,
    flags:
      (compressedSize === uncompressedSize ? 0 : CHUNK_FLAGS.COMPRESSED) |
      (crc32c === 0 ? 0 : CHUNK_FLAGS.HAS_CRC32C),
    compressedSize,
    uncompressedSize,
    compressedOffset,
    uncompressedOffset,
    fileOffset: 0,
    chunkIndex,
    crc32c,
  })
  return createNode({ mode: FILE_TYPE.REGULAR | 0o660, size: uncompressedSize, chunkStart, chunkCount: 1 })
}
