// SPDX-License-Identifier: Apache-2.0
export type { BackendConfig } from './backends.ts'
export { openBackend } from './backends.ts'
export { DaemonError } from './daemon-error.ts'
export { type ImageBackend, localBackend, storeBackend } from './image-backend.ts'
export { type ImageEvent, type MountedImage, type MountImageOptions, mountImage } from './mount-image.ts'
export { parseBackend } from './parse-backend.ts'
export { type WiredImage, type WireOptions, wireImage } from './wire-image.ts'
