// SPDX-License-Identifier: Apache-2.0

export type { ChunkCache } from './blob/blob-data.ts'
export { type BlobCacheWriter, DISCARD_SINK, openBlobCacheWriter } from './blob-cache/blob-cache-writer.ts'
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
export type { ChunkReader } from './chunk-reader.ts'
export { type ChunkDatabase, type ChunkRow, openChunkDatabase } from './chunkdict/chunk-database.ts'
export {
  type ChunkDictResult,
  type DictSource,
  generateChunkDict,
  imageOfBootstrapPath,
} from './chunkdict/generate-chunk-dict.ts'
export { type CompactedImage, type CompactInput, compactImage } from './compact/compact-image.ts'
export { type CompactOptions, DEFAULT_COMPACT_OPTIONS } from './compact/compact-options.ts'
export { type CreateBlob, type NewBlob, openBlobFile } from './compact/new-blob.ts'
export {
  type DecodeLayerOptions,
  decodeLayer,
  detectCompression,
  type LayerCompression,
} from './decode/decode-layer.ts'
export { buildDirectory, type DirectoryBuild } from './directory/build-directory.ts'
export type { BuildDirectoryOptions, XattrReader } from './directory/directory-options.ts'
export { type DiskFile, type DiskSink, openDiskFile } from './export/disk-sink.ts'
export {
  type BlockExport,
  type ExportBlockInput,
  exportBlock,
  veritySetupOptions,
} from './export/export-block.ts'
export type { VerityFill, VerityTree } from './export/verity-tree.ts'
// Blob side: one layer → one blob with its bootstrap.
export {
  type BootstrapLayer,
  type BootstrapLayerInput,
  buildBootstrapLayer,
} from './image/bootstrap-layer.ts'
// Tree side: tar → tree → bootstrap, and bootstraps of layers → bootstrap of the image.
export { type BootstrapFile, type ReadableFile, readBootstrapFile } from './image/inline-bootstrap.ts'
export { type MergeOptions, type MergeResult, mergeLayers } from './image/merge.ts'
export type { BlobOverrides, MergeSource } from './image/merge-source.ts'
export { type ImpliedDirectories, overlay } from './image/overlay.ts'
export type { BlobBuild } from './layer/blob-build.ts'
export { buildLayer, buildTar, type LayerBuild, type TarBuild } from './layer/build-layer.ts'
export {
  type BlobSink,
  type BuildLayerOptions,
  type BuildProgress,
  type ChunkCompressor,
  DEFAULT_CHUNK_SIZE,
  type FsVersion,
  type PrefetchPolicy,
  type WhiteoutSpec,
} from './layer/build-options.ts'
export { type OptimizedImage, type OptimizeInput, optimizeImage } from './optimize/optimize-image.ts'
export { type PrefetchFile, parsePrefetchFiles } from './optimize/prefetch-files.ts'
export { type BuildStargzTocOptions, buildStargzToc, type StargzTocBuild } from './stargz/build-stargz-toc.ts'
export {
  type DedupFigures,
  formatStatisticsJson,
  type ImageFigures,
  type ImageStatistics,
} from './stat/image-statistics.ts'
export { type StatInput, statImages } from './stat/stat-images.ts'
export { formatStatisticsText } from './stat/statistics-text.ts'
export { ENTRY_FILE_TYPE, type TarEntry, type TarEntryKind } from './tar/entry.ts'
export { DEFAULT_TAR_LIMITS, type TarLimits } from './tar/limits.ts'
export { type ReadTarOptions, readTar } from './tar/read-tar.ts'
export { type BuildTarfsOptions, buildTarfs, type TarfsBuild } from './tarfs/build-tarfs.ts'
export { createLayerTree, type FileTree, type LayerTree, type LayerTreeOptions } from './tree/layer-tree.ts'
export type { ByteName, Node } from './tree/node.ts'
export {
  type UnpackInput,
  type UnpackProgress,
  type UnpackResult,
  unpackImage,
} from './unpack/unpack-image.ts'
export { type BuildZranOptions, buildZranLayer, type ZranBuild } from './zran/build-zran-layer.ts'
