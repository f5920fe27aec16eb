// SPDX-License-Identifier: Apache-2.0
// What a browser needs to show a Nydus image. Nothing here, nor below it, imports a node: module.
export { type BlobMetaFile, parseBlobMetaFile } from '../blob/blob-meta-file.ts'
export { type Bootstrap, openBootstrap } from '../bootstrap.ts'
export { bytesText, hexText } from '../byte-text.ts'
export { lookupEntry, readDirectory } from '../directory.ts'
export { dumpBootstrap } from '../dump.ts'
export { fileExtents, readChunkIndex } from '../file-chunks.ts'
export type { Finding } from '../finding.ts'
export { readInode, readSymlink, readXattrs } from '../inode.ts'
export type { DirEntry } from '../v6/directory.ts'
export type { BlobExtent, ChunkRef } from '../v6/file-extents.ts'
export { FILE_TYPE, type Inode, S_IFMT } from '../v6/inode.ts'
export { validateStructure as validateBootstrap } from '../validate-structure.ts'
export { type TreeEntry, walkTree } from '../walk.ts'
export type { Xattr } from '../xattr.ts'
export { gunzipCapped } from './gunzip-capped.ts'
export {
  type ImageLayer,
  type ImageLayerOptions,
  type ListedFile,
  listFiles,
  openImageLayer,
} from './image-layer.ts'
