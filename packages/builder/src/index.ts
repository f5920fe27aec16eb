// SPDX-License-Identifier: Apache-2.0

export { type BlobDescription, type BootstrapInput, writeBootstrap } from './bootstrap/write-bootstrap.ts'
export { BuildError } from './build-error.ts'
export { type ChunkDict, openChunkDict } from './chunk/chunk-dict.ts'
export {
  type ChunkLane,
  type ChunkPool,
  type ChunkPoolOptions,
  createChunkPool,
  type LaneOptions,
} from './chunk/chunk-pool.ts'
export {
  type DecodeLayerOptions,
  decodeLayer,
  detectCompression,
  type LayerCompression,
} from './decode/decode-layer.ts'
// Blob side: one layer → one blob with its bootstrap.
export {
  type BootstrapLayer,
  type BootstrapLayerInput,
  buildBootstrapLayer,
} from './image/bootstrap-layer.ts'
// Tree side: tar → tree → bootstrap, and bootstraps of layers → bootstrap of the image.
export { type MergeOptions, type MergeResult, type MergeSource, mergeLayers } from './image/merge.ts'
export { type ImpliedDirectories, overlay } from './image/overlay.ts'
export { buildLayer, type LayerBuild } from './layer/build-layer.ts'
export {
  type BlobSink,
  type BuildLayerOptions,
  type BuildProgress,
  type ChunkCompressor,
  DEFAULT_CHUNK_SIZE,
} from './layer/build-options.ts'
export { ENTRY_FILE_TYPE, type TarEntry, type TarEntryKind } from './tar/entry.ts'
export { DEFAULT_TAR_LIMITS, type TarLimits } from './tar/limits.ts'
export { type ReadTarOptions, readTar } from './tar/read-tar.ts'
export { createLayerTree, type FileTree, type LayerTree, type LayerTreeOptions } from './tree/layer-tree.ts'
export type { ByteName, Node } from './tree/node.ts'
