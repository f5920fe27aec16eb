// SPDX-License-Identifier: Apache-2.0

// Blob side: one layer → one blob with its bootstrap.
export { type BootstrapLayer, type BootstrapLayerInput, buildBootstrapLayer } from './bootstrap-layer.ts'
export { BuildError } from './build-error.ts'
export { buildLayer, type LayerBuild } from './build-layer.ts'
export {
  type BlobSink,
  type BuildLayerOptions,
  type BuildProgress,
  type ChunkCompressor,
  DEFAULT_CHUNK_SIZE,
} from './build-options.ts'
export { type ChunkDict, openChunkDict } from './chunk-dict.ts'
export {
  type ChunkLane,
  type ChunkPool,
  type ChunkPoolOptions,
  createChunkPool,
  type LaneOptions,
} from './chunk-pool.ts'
export {
  type DecodeLayerOptions,
  decodeLayer,
  detectCompression,
  type LayerCompression,
} from './decode-layer.ts'

// Tree side: tar → tree → bootstrap, and bootstraps of layers → bootstrap of the image.
export { type MergeOptions, type MergeResult, type MergeSource, mergeLayers } from './merge.ts'
export { type ImpliedDirectories, overlay } from './overlay.ts'
export { ENTRY_FILE_TYPE, type TarEntry, type TarEntryKind } from './tar/entry.ts'
export { DEFAULT_TAR_LIMITS, type TarLimits } from './tar/limits.ts'
export { type ReadTarOptions, readTar } from './tar/read-tar.ts'
export { createLayerTree, type FileTree, type LayerTree, type LayerTreeOptions } from './tree/layer-tree.ts'
export type { ByteName, Node } from './tree/node.ts'
export { type BlobDescription, type BootstrapInput, writeBootstrap } from './write-bootstrap.ts'
