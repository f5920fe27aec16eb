// SPDX-License-Identifier: Apache-2.0
import type { Xattr } from '@nydus/rafs-format'
import type { BuildLayerOptions } from '../layer/build-options.ts'

/**
 * Reads the extended attributes of one file system object, links not followed. Node.js has no call for it: the caller
 * brings one, for example over the C library.
 * @param path raw bytes, absolute or relative to the working directory.
 * @returns names with their prefix, in any order; nothing where the file system has none.
 */
export type XattrReader = (path: Uint8Array) => readonly Xattr[] | Promise<readonly Xattr[]>

/** How a directory is built; see BuildLayerOptions. */
export interface BuildDirectoryOptions extends Omit<BuildLayerOptions, 'maxTarBytes'> {
  /** Without it the image has no extended attributes. */
  readonly readXattrs?: XattrReader
  /**
   * Text of a `.nydusattributes` file, which has the form of a gitattributes file. Paths with `type=external` leave the
   * image and go to the external bootstrap, whose data is in blobs of others.
   */
  readonly attributes?: string
}
