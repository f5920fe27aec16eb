// SPDX-License-Identifier: Apache-2.0
/**
 * Whiteouts of OCI layers: entries that remove something from the layers below.
 * Source: OCI image specification, layer.md, "Whiteouts".
 */
import type { ByteName } from '../tree/node.ts'

const WHITEOUT_PREFIX = '.wh.'
const OPAQUE_NAME = '.wh..wh..opq'

/** What a name means in a layer. */
export type Whiteout =
  | { readonly kind: 'none' }
  /** Everything that lower layers have in this directory is gone. */
  | { readonly kind: 'opaque' }
  /** What lower layers have under `name` in this directory is gone. */
  | { readonly kind: 'remove'; readonly name: ByteName }

const NONE: Whiteout = { kind: 'none' }
const OPAQUE: Whiteout = { kind: 'opaque' }

/** What the name of a layer entry says about the layers below. */
export function whiteoutOf(name: ByteName): Whiteout {
  if (!name.startsWith(WHITEOUT_PREFIX)) return NONE
  return name === OPAQUE_NAME ? OPAQUE : { kind: 'remove', name: name.slice(WHITEOUT_PREFIX.length) }
}
