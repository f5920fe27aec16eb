// SPDX-License-Identifier: Apache-2.0
export { BlobStoreError } from './blob-store-error.ts'
export { type LocalBlob, type LocalBlobPlaces, openLocalBlob } from './local-blob.ts'
