// SPDX-License-Identifier: Apache-2.0
// Reading: open a bootstrap, walk it, find a file's bytes in its blobs.

export type { BlobMetaShape } from './blob/blob-meta.ts'
export { type BlobMeta, openBlobMeta } from './blob/blob-meta.ts'
export type { BlobMetaFile } from './blob/blob-meta-file.ts'
export { formatBlobMetaFile, parseBlobMetaFile } from './blob/blob-meta-file.ts'
// Writing and converting: records of the bootstrap and of the layer blob.
export {
  BLOB_META_HEADER_BYTES,
  type BlobMetaHeader,
  decodeBlobMetaHeader,
  encodeBlobMetaHeader,
} from './blob/blob-meta-header.ts'
export {
  type BlobMetaPlace,
  blobDataSize,
  hasBlobFeatures,
  hasBlobMeta,
  locateBlobMeta,
} from './blob/blob-places.ts'
export { type BlobSections, blobTailSize, locateBlobSections } from './blob/blob-sections.ts'
export {
  type ChunkArray,
  type ChunkArrayParts,
  encodeChunkArray,
  type ZranPoint,
} from './blob/chunk-array.ts'
export {
  type ChunkMeta,
  type ChunkMetaList,
  type ChunkMetaVersion,
  type ContextSlice,
  chunkMetaSize,
  decodeChunkMeta,
  encodeChunkMeta,
} from './blob/chunk-meta.ts'
export {
  type BatchContext,
  decodeBatchContext,
  decodeZranContext,
  encodeBatchContexts,
  encodeZranContexts,
  MAX_DICTIONARY_BYTES,
  type ZranContext,
} from './blob/context-records.ts'
export { isLegacyStargz, legacyStargzReadSize } from './blob/legacy-stargz.ts'
export { decodeTarTrailer, encodeTarTrailer, type TarTrailer } from './blob/tar-trailer.ts'
export { decodeToc, encodeToc, type TocSection } from './blob/toc.ts'
export { formatTocFile, parseTocFile } from './blob/toc-file.ts'
export { validateBlobMeta } from './blob/validate-blob-meta.ts'
export { blobChunks } from './blob-chunks.ts'
export {
  type Bootstrap,
  type BootstrapMembers,
  openBootstrap,
  type V5Bootstrap,
  type V6Bootstrap,
} from './bootstrap.ts'
export { bytesText, hexText } from './byte-text.ts'
export {
  type ChunkInfo,
  chunkCrc32c,
  decodeChunkInfo,
  encodeChunkInfo,
  encodeChunkTable,
  isCompressedChunk,
} from './chunk.ts'
export { lookupEntry, readDirectory } from './directory.ts'
export { dumpBootstrap } from './dump.ts'
export { fileExtents, inodeExtents, readChunkIndex, readFileChunks } from './file-chunks.ts'
export type { Finding } from './finding.ts'
export {
  BLOB_FEATURES,
  blobFeatureNames,
  COMPRESSOR_IDS,
  checkBlobFeatures,
  compressorFlag,
  compressorFromId,
  DIGESTER_IDS,
  digesterFlag,
  digesterFromId,
  SUPER_FLAGS,
  superFlagNames,
} from './flags.ts'
export { readInode, readSymlink, readXattrs } from './inode.ts'
export {
  ANNOTATION_BUILDER_VERSION,
  ANNOTATION_EMPTY_LAYER,
  ANNOTATION_FS_VERSION,
  ANNOTATION_NYDUS_BLOB,
  ANNOTATION_NYDUS_BLOB_IDS,
  ANNOTATION_NYDUS_BOOTSTRAP,
  ANNOTATION_NYDUS_ENCRYPTED_BLOB,
  ANNOTATION_NYDUS_REF,
  ANNOTATION_SOURCE_DIGEST,
  ANNOTATION_SOURCE_REFERENCE,
  ANNOTATION_TRACE_BUILDER_VERSION,
  ANNOTATION_TRACE_SOURCE_DIGEST,
  ANNOTATION_TRACE_SOURCE_REFERENCE,
  ANNOTATION_TRACE_VERSION,
  ARTIFACT_TYPE_NYDUS_MANIFEST,
  BOOTSTRAP_LAYER_DIRECTORY,
  BOOTSTRAP_LAYER_PATH,
  blobMetaLayerPath,
  MEDIA_TYPE_NYDUS_BLOB,
  MEDIA_TYPE_NYDUS_CONFIG,
  OS_FEATURE_NYDUS,
} from './oci.ts'
export { decodePrefetchTable, encodePrefetchTable } from './prefetch-table.ts'
export type { BlobChunks } from './sorted-chunks.ts'
export { encodeV5BlobTable, encodeV5ExtendedBlobTable } from './v5/blob-table.ts'
export {
  encodeV5Inode,
  encodeV5InodeInto,
  V5_ROOT_NAME,
  type V5InodeValue,
  v5InodeBlocks,
  v5InodeSize,
} from './v5/encode-inode.ts'
export {
  isV5Inode,
  readV5Inode,
  readV5Record,
  type V5Inode,
  v5InodeDigest,
  v5InodeName,
  v5StoredRdev,
} from './v5/inode.ts'
export { encodeV5InodeTable, v5InodeTableSize } from './v5/inode-table.ts'
export { encodeV5SuperBlock, type V5SuperBlock } from './v5/superblock.ts'
export { blobCipher, CIPHER_IDS, type CipherMembers, cipherMembers } from './v6/blob-cipher.ts'
export { BLOB_ENTRY_BYTES, type BlobInfo, decodeBlobTable, encodeBlobTable } from './v6/blob-table.ts'
export { type ChunkTable, openChunkTable } from './v6/chunk-table.ts'
export { type DeviceSlot, decodeDeviceSlots, encodeDeviceSlots, planDeviceSlots } from './v6/device-slot.ts'
export type { DirEntry } from './v6/directory.ts'
export { type DirentValue, direntsSize, encodeDirents, MAX_NAME_BYTES } from './v6/dirents.ts'
export {
  type BlobExtent,
  type ChunkIndexValue,
  type ChunkRef,
  encodeChunkIndex,
} from './v6/file-extents.ts'
export {
  chunkIndexOffset,
  type DataLayout,
  direntTypeOf,
  encodeInode,
  FILE_TYPE,
  type Inode,
  type InodeValue,
  isDirectoryMode,
  S_IFMT,
} from './v6/inode.ts'
export { decodeSuperBlock, encodeSuperBlock, type SuperBlock } from './v6/superblock.ts'
export { MAX_SYMLINK_BYTES } from './v6/symlink.ts'
export { validateBootstrap } from './validate.ts'
export type { WalkOptions } from './walk.ts'
export { isDotName, pathText, type TreeEntry, walkTree } from './walk.ts'
export {
  decodeXattrs,
  encodeXattrs,
  isSupportedXattr,
  sortXattrs,
  type Xattr,
  xattrAreaSize,
  xattrCountField,
  xattrsSize,
} from './xattr.ts'
