// SPDX-License-Identifier: Apache-2.0
/**
 * Whiteouts: entries of a layer that remove something from the layers below.
 * Sources: OCI image specification, layer.md, "Whiteouts"; Linux, Documentation/filesystems/overlayfs.rst.
 */
import { equalBytes } from '@nydus/base/binary'
import { FILE_TYPE, S_IFMT } from '@nydus/rafs-format'
import type { WhiteoutSpec } from '../layer/build-options.ts'
import { byteNameOfText, nameBytes } from '../tree/byte-name.ts'
import type { ByteName, Node } from '../tree/node.ts'

const WHITEOUT_PREFIX = '.wh.'
const OPAQUE_NAME = '.wh..wh..opq'

/** What a name means in a layer. */
export type Whiteout =
  | { readonly kind: 'none' }
  /** Everything that lower layers have in this directory is gone. */
  | { readonly kind: 'opaque' }
  /** What lower layers have under `name` in this directory is gone. */
  | { readonly kind: 'remove'; readonly name: ByteName }
  /** Everything that lower layers have in the directory of that name is gone; the entry itself stays. */
  | { readonly kind: 'opaque-entry' }

const NONE: Whiteout = { kind: 'none' }
const OPAQUE: Whiteout = { kind: 'opaque' }

/** What the name of a layer entry says about the layers below. */
export function whiteoutOf(name: ByteName): Whiteout {
  if (!name.startsWith(WHITEOUT_PREFIX)) return NONE
  return name === OPAQUE_NAME ? OPAQUE : { kind: 'remove', name: name.slice(WHITEOUT_PREFIX.length) }
}

const OPAQUE_ENTRY: Whiteout = { kind: 'opaque-entry' }
const OPAQUE_XATTR = nameBytes(byteNameOfText('trusted.overlay.opaque'))
const OPAQUE_VALUE = nameBytes(byteNameOfText('y'))

/** What an entry says about the layers below, to those who write whiteouts as `spec` says. */
export function whiteoutOfEntry(name: ByteName, node: Node, spec: WhiteoutSpec): Whiteout {
  if (spec === 'none') return NONE
  if (spec === 'oci') return whiteoutOf(name)
  if ((node.mode & S_IFMT) === FILE_TYPE.CHAR_DEVICE && node.rdev === 0) return { kind: 'remove', name }
  return isOpaqueDirectory(node) ? OPAQUE_ENTRY : NONE
}

/** Takes the mark of an opaque directory off. */
export function dropOpaqueMark(node: Node): void {
  node.xattrs = node.xattrs.filter(({ name }) => !equalBytes(name, OPAQUE_XATTR))
}

function isOpaqueDirectory({ children, xattrs }: Node): boolean {
  return (
    children !== undefined &&
    xattrs.some(({ name, value }) => equalBytes(name, OPAQUE_XATTR) && equalBytes(value, OPAQUE_VALUE))
  )
}
