// SPDX-License-Identifier: Apache-2.0
/** The blob rule: each blob is downloaded once, in order, and every chunk is decoded and has its digest. */
import { type Digest, digestFromHex, isDigest } from '@nydus/base/digest'
import { FormatError } from '@nydus/base/error'
import { BLOB_FEATURES, type BlobInfo, blobCipher } from '@nydus/rafs-format'
import type { ImageStore, Manifest } from '@nydus/registry-client'
import { isContentError } from '../content-error.ts'
import { countBytes } from '../count-bytes.ts'
import type { FindingSink } from '../finding.ts'
import { planPieces } from '../target/plan-pieces.ts'
import { needsBlobMeta, readTargetMeta } from '../target/target-meta.ts'
import { type BlobProof, verifyBlob } from '../target/verify-blob.ts'
import type { CheckedBootstrap } from './bootstrap.ts'

/** What the rule looks at. */
export interface BlobRuleInput {
  readonly store: ImageStore
  readonly manifest: Manifest
  readonly checked: CheckedBootstrap
  readonly signal?: AbortSignal | undefined
  /** Called with the bytes of blobs read so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined
}

/** What is known about all blobs after the pass. */
export interface BlobProofs {
  /** Why a chunk is not what its digest says; undefined when it is. */
  readonly chunkFault: (blobIndex: number, chunkIndex: number) => string | undefined
  /** True when any chunk is bad or unread. */
  readonly hasFaults: boolean
  readonly goodChunkCount: number
  /** Bytes of blobs read. */
  readonly byteCount: number
}

/** @throws {FormatError} ERR_FORMAT_UNSUPPORTED_FEATURE for blobs that cannot be read yet, and what the store throws. */
export async function checkBlobs(input: BlobRuleInput, report: FindingSink): Promise<BlobProofs> {
  const { blobs } = input.checked.bootstrap
  const proofs = new Map<number, BlobProof>()
  let byteCount = 0
  const count = (bytes: number) => {
    byteCount += bytes
    input.onProgress?.(byteCount)
  }
  for (const blob of blobs) {
    checkReadable(blob)
    const proof = await proveBlob(blob, input, count)
    proofs.set(blob.blobIndex, proof)
    if (proof.fault !== undefined) report({ rule: 'blob', message: `blob ${blob.blobId}: ${proof.fault}` })
    if (proof.badChunks.size > 0) {
      const [first] = [...proof.badChunks].sort(([a], [b]) => a - b)
      const message = `${proof.badChunks.size} of its chunks are bad, the first is ${first?.[0]}: it ${first?.[1]}`
      report({ rule: 'blob', message: `blob ${blob.blobId}: ${message}` })
    }
  }
  const values = [...proofs.values()]
  return {
    chunkFault(blobIndex, chunkIndex) {
      const proof = proofs.get(blobIndex)
      return proof === undefined
        ? `is in blob ${blobIndex}, which does not exist`
        : proof.badChunks.get(chunkIndex)
    },
    hasFaults: values.some((proof) => proof.badChunks.size > 0),
    goodChunkCount: values.reduce((sum, proof) => sum + proof.goodChunkCount, 0),
    byteCount,
  }
}

async function proveBlob(
  blob: BlobInfo,
  input: BlobRuleInput,
  count: (bytes: number) => void,
): Promise<BlobProof> {
  const { store, manifest, checked, signal } = input
  const digest = blobDigest(blob)
  const chunks = checked.chunksOf(blob.blobIndex)
  const listed = manifest.layers.find((layer) => layer.digest === digest)
  try {
    if (digest === undefined) throw new FormatError('ERR_FORMAT_CORRUPT', 'its id is no sha256 digest')
    const size = listed?.size ?? (await store.blobSize(digest, signal))
    const shipped = checked.blobMetas.get(blob.blobId)
    const meta = shipped ?? (needsBlobMeta(blob) ? await readTargetMeta(blob, store, signal) : undefined)
    const plan = planPieces(blob, chunks, meta, size)
    const stream = countBytes(store.openBlob({ digest, size }, signal === undefined ? {} : { signal }), count)
    return await verifyBlob(stream, plan, { ...blob, cipher: blobCipher(blob) })
  } catch (error) {
    if (!isContentError(error)) throw error
    const badChunks = new Map(chunks.map((chunk) => [chunk.chunkIndex, 'could not be read']))
    return { badChunks, goodChunkCount: 0, fault: error.message }
  }
}

function blobDigest(blob: BlobInfo): Digest | undefined {
  return isDigest(`sha256:${blob.blobId}`) ? digestFromHex(blob.blobId) : undefined
}

function checkReadable(blob: BlobInfo): void {
  const names = (['EXTERNAL', 'TARFS'] as const).filter((name) => (blob.features & BLOB_FEATURES[name]) !== 0)
  if (names.length === 0) return
  const kinds = names.join(', ').toLowerCase()
  throw new FormatError(
    'ERR_FORMAT_UNSUPPORTED_FEATURE',
    `blob ${blob.blobId} is ${kinds}: it cannot be checked yet`,
  )
}
