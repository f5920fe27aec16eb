// SPDX-License-Identifier: Apache-2.0

export {
  type GenerateOptions,
  type GenerateResult,
  generateDictionary,
} from './chunkdict/generate-dictionary.ts'
// The command line itself.
export type { CommandContext, TextStream } from './commands/context.ts'
export type { ConvertEvent, ConvertListener, LayerName } from './convert/convert-events.ts'
// What the commands do, as functions.
export { type ConvertedImageReport, type ConvertResult, convertImage } from './convert/convert-image.ts'
export type { BlobCompressor, ConvertOptions } from './convert/convert-options.ts'
export { SharedLayers } from './convert/layer-cache.ts'
export { copyImage } from './copy/copy-image.ts'
export type {
  BackendPlace,
  BlobRoute,
  CopyEvent,
  CopyListener,
  CopyOptions,
  CopyResult,
  TransferOptions,
} from './copy/copy-options.ts'
// Looking into images without a mount.
export { type FoundPath, findPath } from './inspect/find-path.ts'
export {
  type BlobReport,
  type ImageReport,
  inspectImage,
  type LayerReport,
  type RafsReport,
} from './inspect/image-report.ts'
export { readFile as readImageFile } from './inspect/read-file.ts'
export {
  type NydusImage,
  type OpenedImage,
  openNydusImage,
  type RemoteImageOptions,
} from './inspect/remote-image.ts'
export { type ListedPath, listPath } from './inspect/tree-listing.ts'
export {
  type MountedRemoteImage,
  type MountRemoteOptions,
  mountRemoteImage,
} from './mount/mount-remote-image.ts'
export { type OptimizeOptions, type OptimizeResult, optimizeRemoteImage } from './optimize/optimize-remote.ts'
export { packDirectory } from './pack/pack-directory.ts'
export type { PackOptions, PackResult, PushPlace } from './pack/pack-options.ts'
export { run } from './run.ts'
