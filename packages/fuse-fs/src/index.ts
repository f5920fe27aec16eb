// SPDX-License-Identifier: Apache-2.0
// The port that whoever mounts has to meet.
export type { BlobRangeReader, SharedBlobView } from './blob-range-reader.ts'
// The data plane in which the kernel's EROFS serves the files.
export {
  type BlobDevice,
  type BlobDevices,
  type BlobDevicesOptions,
  openBlobDevices,
} from './devices/blob-devices.ts'
export type { DeviceSource } from './devices/open-device.ts'
export { type ErofsMount, type MountErofsOptions, mountErofs, whyNotErofs } from './erofs/mount-erofs.ts'
export { type ErofsVerdict, testErofs } from './erofs/self-test.ts'
export { type FileAccess, FOP_NAMES, type FopStats, readSizeClass } from './fop-counters.ts'
export { FuseError } from './fuse-error.ts'
export type { CloseReason, FuseEvent, FuseFailure, FuseReady, FuseStats } from './fuse-event.ts'
export { keepMemoryLow } from './libc.ts'
export type { InflightRead } from './miss-reader.ts'
export { type MountRafsOptions, mountRafs, type RafsMount } from './mount-rafs.ts'
export { detachDeadMount, mountImageTree, mountReadOnlyView, type PlainMount } from './plain-mounts.ts'
