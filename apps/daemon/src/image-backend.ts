// SPDX-License-Identifier: Apache-2.0
/** Where the blobs of an image come from: ready-made, a registry, or local directories. */

import { digestFromHex } from '@nydus/base/digest'
import { type LocalBlobPlaces, openLocalBlob } from '@nydus/blob-store'
import type { BlobSource } from '@nydus/chunk-cache'
import type { BlobInfo } from '@nydus/rafs-format'
import type { ImageStore } from '@nydus/registry-client'

/** The blobs of one image. */
export interface ImageBackend {
  /** Called at most once a blob. */
  sourceOf(blob: Pick<BlobInfo, 'blobId'>): BlobSource
  /** Frees connections and files. */
  close(): Promise<void>
}

/**
 * Blobs of a repository, a layout or an archive, named `sha256:<blob id>` there.
 * @param store not closed with the backend unless `closeStore` is set.
 */
export function storeBackend(store: ImageStore, closeStore = false): ImageBackend {
  return {
    sourceOf({ blobId }) {
      const digest = digestFromHex(blobId)
      return {
        blobId,
        read: (range, { signal }) => store.readBlobRange(digest, range, { signal }),
        size: (signal) => store.blobSize(digest, signal),
      }
    },
    close: async () => {
      if (closeStore) await store.close()
    },
  }
}

/** Blobs in local files. */
export function localBackend(places: LocalBlobPlaces): ImageBackend {
  const opened: ReturnType<typeof openLocalBlob>[] = []
  return {
    sourceOf({ blobId }) {
      const blob = openLocalBlob(places, blobId)
      opened.push(blob)
      return blob
    },
    async close() {
      await Promise.all(opened.map((blob) => blob.close()))
    },
  }
}
