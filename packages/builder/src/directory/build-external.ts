// SPDX-License-Identifier: Apache-2.0
/** The external bootstrap: files whose data lies in blobs that somebody else made, as their attributes say. */
import { BLOB_FEATURES, type ChunkInfo, SUPER_FLAGS } from '@nydus/rafs-format'
import { CHUNK_FLAGS } from '@nydus/rafs-format/layout'
import { type BlobDescription, writeBootstrap } from '../bootstrap/write-bootstrap.ts'
import { BuildError } from '../build-error.ts'
import { chunkCountOf } from '../chunk/chunker.ts'
import type { BuildPlan } from '../layer/build-options.ts'
import { openParent } from '../layer/parent.ts'
import { displayPath } from '../tree/byte-name.ts'
import { ChunkStore } from '../tree/chunk-store.ts'
import type { ExternalFile, ExternalTree } from './external-tree.ts'

/** A bootstrap of external files. */
export interface ExternalBootstrap {
  readonly bootstrap: Uint8Array
  readonly blobs: readonly BlobDescription[]
}

const NO_DIGEST = new Uint8Array(32)
const BLOB_ID = /^[0-9a-f]{64}$/

/**
 * Writes the bootstrap. Without external files it has a root only, on top of the parent.
 * @param parent bootstrap of the parent; undefined for none.
 * @param hasXattrs whether the main bootstrap has xattrs: the original says so in both.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for attributes that are missing or make no sense.
 */
export function buildExternal(
  tree: ExternalTree,
  plan: BuildPlan,
  parent: Uint8Array | undefined,
  hasXattrs: boolean,
): ExternalBootstrap {
  const chunks = new ChunkStore()
  const below = openParent(parent, plan, chunks)
  checkVersion(tree.files, plan)
  const own = describeExternal(tree.files, plan, chunks)
  if (own.length > 0 && below !== undefined && below.dict.blobs.length > 0) {
    throw new BuildError(
      'ERR_BUILD_OPTION_CONFLICT',
      'external files cannot be put on top of a parent with data',
    )
  }
  const blobs = own.length > 0 ? own : (below?.dict.blobs ?? [])
  const bootstrap = writeBootstrap({
    fsVersion: plan.fsVersion,
    tree: below === undefined ? { root: tree.root, chunks } : below.putOnTop(tree.root, 'replace'),
    blobs,
    chunkSize: plan.chunkSize,
    compressor: plan.compressor,
    digester: plan.digester,
    explicitOwners: plan.explicitOwners,
    ...(hasXattrs && plan.fsVersion === 6 && { extraFlags: SUPER_FLAGS.HAS_XATTR }),
  })
  return { bootstrap, blobs }
}

/** The original writes v6 bootstraps as well, and then refuses to load them. */
function checkVersion([file]: readonly ExternalFile[], { fsVersion }: BuildPlan): void {
  if (file === undefined || fsVersion === 5) return
  const path = displayPath(file.path.split('/'))
  throw new BuildError(
    'ERR_BUILD_OPTION_CONFLICT',
    `${path} is external, but RAFS v6 cannot refer to blobs without a chunk array`,
    { details: { path, fsVersion }, hint: 'build images with external files as RAFS v5' },
  )
}

/** Gives the files their chunks. @returns the blobs by index. */
function describeExternal(
  files: readonly ExternalFile[],
  plan: BuildPlan,
  chunks: ChunkStore,
): BlobDescription[] {
  const blobs: (BlobDescription | undefined)[] = []
  for (const file of files) {
    const facts = readFacts(file, plan)
    const { blobIndex, blobId, compressedSize } = facts
    const chunkCount = blobs[blobIndex]?.chunkCount ?? 0
    const run = fileChunks(file, facts, chunkCount, plan)
    file.node.chunkStart = chunks.addAll(run)
    file.node.chunkCount = run.length
    blobs[blobIndex] = describeBlob(blobId, compressedSize, chunkCount + run.length, plan)
  }
  return Array.from(blobs, (blob, blobIndex) => {
    if (blob !== undefined) return blob
    const message = `attributes: no file is in external blob ${blobIndex} of ${blobs.length}`
    throw new BuildError('ERR_BUILD_OPTION_CONFLICT', message, { details: { blobIndex } })
  })
}

interface ExternalFacts {
  readonly blobIndex: number
  readonly blobId: string
  readonly compressedSize: number
  /** Of the file's first chunk. */
  readonly offset: number
  readonly crcs: readonly number[] | undefined
}

function readFacts(file: ExternalFile, plan: BuildPlan): ExternalFacts {
  const { attributes, node } = file
  const fileSize = attributes.get('file_size')
  if (fileSize !== undefined && node.size === 0) node.size = numberOf(file, 'file_size')
  const chunkSize = sizeOf(file, 'chunk_size')
  if (chunkSize !== plan.chunkSize) {
    throw badAttribute(file, 'chunk_size', `is ${chunkSize}, the image is built with ${plan.chunkSize}`)
  }
  const blobId = attributes.get('blob_id') ?? ''
  if (!BLOB_ID.test(blobId)) throw badAttribute(file, 'blob_id', 'is not 64 hex digits')
  return {
    blobIndex: numberOf(file, 'blob_index', 254),
    blobId,
    compressedSize: numberOf(file, 'compressed_size'),
    offset: numberOf(file, 'chunk_0_compressed_offset'),
    crcs: crcsOf(file),
  }
}

function fileChunks(
  file: ExternalFile,
  { blobIndex, offset, crcs }: ExternalFacts,
  firstIndex: number,
  { chunkSize }: BuildPlan,
): ChunkInfo[] {
  const { size } = file.node
  const count = chunkCountOf(size, chunkSize)
  if (crcs !== undefined && crcs.length < count) {
    throw badAttribute(file, 'crcs', `has ${crcs.length} values for ${count} chunks`)
  }
  return Array.from({ length: count }, (_, i) => {
    const fileOffset = i * chunkSize
    const stored = Math.min(chunkSize, size - fileOffset)
    return {
      digest: NO_DIGEST,
      blobIndex,
      flags: crcs === undefined ? 0 : CHUNK_FLAGS.HAS_CRC32C,
      compressedSize: stored,
      uncompressedSize: stored,
      compressedOffset: offset + fileOffset,
      uncompressedOffset: offset + fileOffset,
      fileOffset,
      chunkIndex: firstIndex + i,
      crc32c: crcs?.[i] ?? 0,
    }
  })
}

function describeBlob(blobId: string, size: number, chunkCount: number, plan: BuildPlan): BlobDescription {
  return {
    blobId,
    chunkCount,
    compressor: 'none',
    digester: plan.digester,
    features: BLOB_FEATURES.CAP_TAR_TOC | BLOB_FEATURES.EXTERNAL,
    compressedSize: size,
    uncompressedSize: size,
    tocSize: 0,
    tocDigest: NO_DIGEST,
    metaCompressor: 'none',
    metaOffset: 0,
    metaCompressedSize: 0,
    metaUncompressedSize: 0,
    metaBlobDigest: NO_DIGEST,
    metaBlobSize: 0,
    ivTail: new Uint8Array(8),
    cipher: 0,
  }
}

function numberOf(file: ExternalFile, name: string, limit = Number.MAX_SAFE_INTEGER): number {
  const text = file.attributes.get(name) ?? ''
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value <= limit) return value
  throw badAttribute(file, name, text === '' ? 'is missing' : `is ${text}, not a number up to ${limit}`)
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  kib: 2 ** 10,
  m: 1e6,
  mb: 1e6,
  mib: 2 ** 20,
  g: 1e9,
  gb: 1e9,
  gib: 2 ** 30,
}

/** A size such as `1048576`, `1 MiB` or `4MB`. */
function sizeOf(file: ExternalFile, name: string): number {
  const text = file.attributes.get(name) ?? ''
  const [, digits = '', unit = '?'] = /^(\d{1,15}) *([a-z]*)$/i.exec(text) ?? []
  const factor = UNITS[unit.toLowerCase()]
  if (factor !== undefined) return Number(digits) * factor
  throw badAttribute(file, name, text === '' ? 'is missing' : `is ${text}, not a size`)
}

/** CRC-32C of each chunk in hex. */
function crcsOf(file: ExternalFile): readonly number[] | undefined {
  const text = file.attributes.get('crcs')
  if (text === undefined) return undefined
  return text.split(',').map((word) => {
    const [, digits] = /^(?:0x)?([0-9a-f]{1,8})$/i.exec(word.trim()) ?? []
    if (digits === undefined)
      throw badAttribute(file, 'crcs', `has ${JSON.stringify(word)}, not a CRC in hex`)
    return Number.parseInt(digits, 16)
  })
}

function badAttribute({ path }: ExternalFile, name: string, problem: string): BuildError {
  const text = displayPath(path.split('/'))
  return new BuildError('ERR_BUILD_OPTION_CONFLICT', `attributes of ${text}: ${name} ${problem}`, {
    details: { path: text, attribute: name },
  })
}
