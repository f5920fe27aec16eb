// SPDX-License-Identifier: Apache-2.0
/** A layer to merge, and what its blob is called afterwards. */
import { BLOB_FEATURES, type BlobInfo, hasBlobFeatures, SUPER_FLAGS } from '@nydus/rafs-format'
import type { BlobDescription } from '../bootstrap/write-bootstrap.ts'
import { BuildError } from '../build-error.ts'

/** One layer, as `buildLayer` made it. */
export interface MergeSource {
  /** The raw bootstrap of the layer. */
  readonly bootstrap: Uint8Array
  /** Lower-case hex name under which the layer's blob is stored: that of the bootstrap's file. */
  readonly blobId: string
  /** Facts about the layer's own blob that the bootstrap does not have, or has wrong. */
  readonly overrides?: BlobOverrides
}

/** Members left out leave the blob's entry as it is. */
export interface BlobOverrides {
  /** Goes before the source's `blobId`. */
  readonly originalBlobId?: string
  /** SHA-256 of the blob file, 64 hex digits: its id. Of a zran blob it is the digest of the separate meta blob. */
  readonly blobDigest?: string
  /** Bytes of the blob file; of a zran blob those of the separate meta blob. */
  readonly blobSize?: number
  /** SHA-256 of the table of contents with its trailer, 64 hex digits. */
  readonly tocDigest?: string
  /** Bytes of the table of contents with its trailer. */
  readonly tocSize?: number
}

/** In the bootstrap inside a blob the blob's own id is not known yet. */
const PLACEHOLDER_ID = 'x'.repeat(64)
const DIGEST_HEX = /^[0-9a-f]{64}$/i

/** Who the blobs of one source are. */
export interface SourceBlobs {
  /** Position in the source's blob table of the blob that came with the layer; undefined if it has none of its own. */
  readonly own: number | undefined
  /** By position: the entry for the merged blob table. */
  readonly entries: readonly BlobDescription[]
}

/** What describing a source's blobs takes. */
export interface SourceContext {
  /** Superblock flags of the source. */
  readonly flags: bigint
  /** Ids of the blobs of the chunk dictionary; undefined when none is given. */
  readonly dictIds: ReadonlySet<string> | undefined
  /** The blobs can be read, so their ids are right as they are. */
  readonly blobsAccessible: boolean
}

/**
 * Finds the layer's own blob and gives it its id. A layer has at most one: others come from a chunk dictionary.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for more than one, or for overrides that are no digests.
 */
export function describeSourceBlobs(
  source: MergeSource,
  blobs: readonly BlobInfo[],
  context: SourceContext,
): SourceBlobs {
  const own = ownBlob(source, blobs, context.dictIds)
  const keepsId = context.blobsAccessible || (context.flags & SUPER_FLAGS.TARFS_MODE) !== 0n
  const entries = blobs.map((blob, position) => {
    const loaded = withLoadedId(blob, source.blobId)
    return position === own ? describeOwn(loaded, source, keepsId) : loaded
  })
  return { own, entries }
}

function ownBlob(
  source: MergeSource,
  blobs: readonly BlobInfo[],
  dictIds: ReadonlySet<string> | undefined,
): number | undefined {
  const positions = [...blobs.keys()]
  if (dictIds === undefined) {
    if (blobs.length <= 1) return positions[0]
    const unnamed = positions.filter((position) => isUnnamed(blobs[position] as BlobInfo))
    const mustKnow = Object.keys(source.overrides ?? {}).length > 0
    if (unnamed.length === 1 || (unnamed.length === 0 && !mustKnow)) return unnamed[0]
    throw severalBlobs(blobs)
  }
  const others = positions.filter((position) => !dictIds.has((blobs[position] as BlobInfo).blobId))
  if (others.length <= 1) return others[0]
  throw severalBlobs(others.map((position) => blobs[position] as BlobInfo))
}

function severalBlobs(blobs: readonly BlobInfo[]): BuildError {
  const blobIds = blobs.map(({ blobId }) => blobId)
  return new BuildError(
    'ERR_BUILD_OPTION_CONFLICT',
    `a layer's bootstrap refers to ${blobs.length} data blobs of its own: ${blobIds.join(', ')}`,
    { details: { blobIds }, hint: 'give the chunk dictionary that the layers were built with' },
  )
}

/** A blob that does not know its id, because it holds its bootstrap or its builder was too old. */
function isUnnamed(blob: BlobInfo): boolean {
  const { features, blobId } = blob
  const inlined = hasBlobFeatures(blob, BLOB_FEATURES.INLINED_FS_META)
  const named = hasBlobFeatures(blob, BLOB_FEATURES.SEPARATE) || (features & BLOB_FEATURES.EXTERNAL) !== 0
  return (inlined && !named) || !hasBlobFeatures(blob, BLOB_FEATURES.CAP_TAR_TOC) || blobId === PLACEHOLDER_ID
}

/** The entry outside of the blob: the bootstrap is no longer inlined, and the file's name says what it is. */
function withLoadedId(blob: BlobInfo, fileName: string): BlobDescription {
  const features = (blob.features & ~BLOB_FEATURES.INLINED_FS_META) >>> 0
  const blobId = isUnnamed(blob) ? fileName : blob.blobId
  const inlinedMeta = BLOB_FEATURES.INLINED_FS_META | BLOB_FEATURES.SEPARATE
  const isMetaBlob = hasBlobFeatures(blob, inlinedMeta) && DIGEST_HEX.test(fileName)
  return {
    ...blob,
    features,
    blobId,
    ...(isMetaBlob && { metaBlobDigest: digestBytes(fileName, 'file name') }),
  }
}

function describeOwn(blob: BlobDescription, source: MergeSource, keepsId: boolean): BlobDescription {
  const { originalBlobId, blobDigest, blobSize, tocDigest, tocSize } = source.overrides ?? {}
  const separate = hasBlobFeatures(blob, BLOB_FEATURES.SEPARATE)
  const digest = blobDigest === undefined ? undefined : digestBytes(blobDigest, 'blob digest')
  return {
    ...blob,
    ...(!keepsId && { blobId: originalBlobId ?? source.blobId }),
    ...(digest && (separate ? { metaBlobDigest: digest } : { blobId: Buffer.from(digest).toString('hex') })),
    ...(blobSize !== undefined && (separate ? { metaBlobSize: blobSize } : { compressedSize: blobSize })),
    ...(tocDigest !== undefined && { tocDigest: digestBytes(tocDigest, 'digest of a table of contents') }),
    ...(tocSize !== undefined && { tocSize }),
  }
}

function digestBytes(hex: string, what: string): Uint8Array {
  if (DIGEST_HEX.test(hex)) return new Uint8Array(Buffer.from(hex, 'hex'))
  throw new BuildError('ERR_BUILD_OPTION_CONFLICT', `${what} ${JSON.stringify(hex)} is not 64 hex digits`, {
    details: { what, found: hex },
  })
}
