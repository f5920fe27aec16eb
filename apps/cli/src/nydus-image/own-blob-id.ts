// SPDX-License-Identifier: Apache-2.0
/** A bootstrap inside a blob cannot know the id of that blob: it is the name of the file, up to its first dot. */
import { basename } from 'node:path'
import { BLOB_FEATURES, type BlobInfo } from '@nydus/rafs-format'

/** The id under which a blob is stored. @param path of the file that the bootstrap came from. */
export function ownBlobId({ blobId, features }: BlobInfo, path: string): string {
  const isInside = (features & BLOB_FEATURES.INLINED_FS_META) !== 0
  const hasOwnName = (features & BLOB_FEATURES.SEPARATE) !== 0
  return isInside && !hasOwnName ? (basename(path).split('.')[0] ?? blobId) : blobId
}
