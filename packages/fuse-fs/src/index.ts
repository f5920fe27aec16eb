// SPDX-License-Identifier: Apache-2.0
// The port that whoever mounts has to meet.
export type { BlobRangeReader, SharedBlobView } from './blob-range-reader.ts'
export { FuseError } from './fuse-error.ts'
export type { CloseReason, FuseEvent, FuseFailure, FuseReady, FuseStats } from './fuse-event.ts'
export { keepMemoryLow } from './libc.ts'
export { type MountRafsOptions, mountRafs, type RafsMount } from './mount-rafs.ts'
