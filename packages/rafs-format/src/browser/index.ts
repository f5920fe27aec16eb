// SPDX-License-Identifier: Apache-2.0
// What a browser needs to show a Nydus image. Nothing here, nor below it, imports a node: module.
export { type BlobMetaFile, parseBlobMetaFile } from '../blob/blob-meta-file.ts'
export { type Bootstrap, openBootstrap } from '../bootstrap.ts'
export { bytesText, hexText } from '../byte-text.ts'
export { dumpBootstrap } from '../dump.ts'
export type { Finding } from '../finding.ts'
export { type DirEntry, lookupEntry, readDirectory } from '../v6/directory.ts'
export { type BlobExtent, type ChunkRef, fileExtents, readChunkIndex } from '../v6/file-extents.ts'
export { FILE_TYPE, type Inode, readInode, readXattrs, S_IFMT } from '../v6/inode.ts'
export { readSymlink } from '../v6/symlink.ts'
export { validateBootstrap } from '../validate.ts'
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
