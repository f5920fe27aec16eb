// SPDX-License-Identifier: Apache-2.0
/** The bootstrap rule: the bootstrap is sound, its blobs are layers of the image, blob metas agree with it. */
import { digestHex } from '@nydus/base/digest'
import { isNydusError } from '@nydus/base/error'
import {
  ANNOTATION_NYDUS_REF,
  BLOB_META_HEADER_BYTES,
  type BlobInfo,
  type BlobMeta,
  type Bootstrap,
  type ChunkInfo,
  openBootstrap,
  parseBlobMetaFile,
  validateBootstrap,
} from '@nydus/rafs-format'
import type { Manifest } from '@nydus/registry-client'
import type { BootstrapLayer } from '../bootstrap-layer.ts'
import type { FindingSink } from '../finding.ts'

/** An open bootstrap and the blob metas that came with it. */
export interface CheckedBootstrap {
  readonly bootstrap: Bootstrap
  /** By blob id; only those that could be parsed. */
  readonly blobMetas: ReadonlyMap<string, BlobMeta>
  /** Records of the chunk table by blob index. */
  readonly chunksOf: (blobIndex: number) => readonly ChunkInfo[]
}

/**
 * Reports what is wrong.
 * @returns undefined when the bootstrap cannot be opened at all.
 * @throws {FormatError} ERR_FORMAT_UNSUPPORTED_… for a bootstrap that this version cannot read, which is no fault of it.
 */
export function checkBootstrap(
  layer: BootstrapLayer,
  manifest: Manifest,
  report: FindingSink,
): CheckedBootstrap | undefined {
  const fault = (message: string, path?: string) =>
    report({ rule: 'bootstrap', message, ...(path === undefined ? {} : { path }) })
  refuseUnsupported(layer.bootstrap)
  for (const { severity, place, message } of validateBootstrap(layer.bootstrap)) {
    if (severity === 'error') fault(place.startsWith('/') ? message : `${place}: ${message}`, pathOf(place))
  }
  const bootstrap = attempt(() => openBootstrap(layer.bootstrap))
  if (bootstrap === undefined) return undefined
  checkBlobsListed(bootstrap, manifest, fault)
  const chunks = attempt(() => groupChunks(bootstrap)) ?? new Map<number, ChunkInfo[]>()
  const chunksOf = (blobIndex: number) => chunks.get(blobIndex) ?? []
  const blobMetas = new Map<string, BlobMeta>()
  for (const blob of bootstrap.blobs) {
    const bytes = layer.blobMetas.get(blob.blobId)
    // The original ships a lone header where it cannot unpack the array (lz4): readers then ask the blob itself.
    if (bytes === undefined || bytes.length === BLOB_META_HEADER_BYTES) continue
    try {
      const { meta } = parseBlobMetaFile(bytes)
      for (const message of metaFaults(blob, meta, chunksOf(blob.blobIndex))) fault(message)
      blobMetas.set(blob.blobId, meta)
    } catch (error) {
      if (!isNydusError(error)) throw error
      fault(`blob meta of ${blob.blobId}: ${error.message}`)
    }
  }
  return { bootstrap, blobMetas, chunksOf }
}

function refuseUnsupported(bytes: Uint8Array): void {
  try {
    openBootstrap(bytes)
  } catch (error) {
    if (isNydusError(error) && !error.code.startsWith('ERR_FORMAT_UNSUPPORTED_')) return
    throw error
  }
}

function pathOf(place: string): string | undefined {
  return place.startsWith('/') ? place : undefined
}

/** Skipped for images that refer to OCI layers, and for those whose blobs are not in the registry. */
function checkBlobsListed(bootstrap: Bootstrap, manifest: Manifest, fault: (message: string) => void): void {
  const layers = manifest.layers.slice(0, -1)
  if (layers.length === 0 || layers.some((layer) => layer.annotations?.[ANNOTATION_NYDUS_REF] !== undefined))
    return
  const ids = new Set(layers.map((layer) => digestHex(layer.digest)))
  for (const { blobId } of bootstrap.blobs) {
    if (!ids.has(blobId)) fault(`blob ${blobId} of the bootstrap is no layer of the manifest`)
  }
}

function groupChunks(bootstrap: Bootstrap): Map<number, ChunkInfo[]> {
  const groups = new Map<number, ChunkInfo[]>()
  for (const chunk of bootstrap.chunkTable()) {
    const group = groups.get(chunk.blobIndex)
    if (group === undefined) groups.set(chunk.blobIndex, [chunk])
    else group.push(chunk)
  }
  return groups
}

/** Mounts read through the blob meta, the bootstrap has its own records: they must say the same. */
function* metaFaults(
  blob: BlobInfo,
  meta: BlobMeta,
  chunks: readonly ChunkInfo[],
): Generator<string, void, undefined> {
  if (meta.chunkCount < blob.chunkCount) {
    yield `blob meta of ${blob.blobId} has ${meta.chunkCount} chunks, the bootstrap says ${blob.chunkCount}`
  }
  for (const chunk of chunks) {
    const { chunkIndex } = chunk
    if (chunkIndex >= meta.chunkCount) {
      yield `blob meta of ${blob.blobId} has no chunk ${chunkIndex}`
      return
    }
    const record = meta.chunk(chunkIndex)
    const differs =
      record.uncompressedOffset !== chunk.uncompressedOffset ||
      record.uncompressedSize !== chunk.uncompressedSize ||
      (record.batch === undefined &&
        record.zran === undefined &&
        (record.compressedOffset !== chunk.compressedOffset ||
          record.compressedSize !== chunk.compressedSize))
    if (differs) {
      yield `blob meta of ${blob.blobId}: chunk ${chunkIndex} is not where the bootstrap says`
      return
    }
  }
}

function attempt<T>(task: () => T): T | undefined {
  try {
    return task()
  } catch (error) {
    if (isNydusError(error)) return undefined // already among the findings of validateBootstrap
    throw error
  }
}
