// SPDX-License-Identifier: Apache-2.0

// The command line itself.
export type { CommandContext, TextStream } from './commands/context.ts'
export type { ConvertEvent, ConvertListener, LayerName } from './convert/convert-events.ts'
// What the commands do, as functions.
export { type ConvertedImageReport, type ConvertResult, convertImage } from './convert/convert-image.ts'
export type { BlobCompressor, ConvertOptions } from './convert/convert-options.ts'
export {
  type MountedRemoteImage,
  type MountRemoteOptions,
  mountRemoteImage,
} from './mount/mount-remote-image.ts'
export { run } from './run.ts'
