// SPDX-License-Identifier: Apache-2.0
/**
 * Hard links of one layer. A link shares its target's inode whatever its own header says about mode, owner or mtime.
 * A link whose target is not there (yet) gets a placeholder: an empty file with an xattr that names the target.
 */
import { equalBytes } from '@nydus/base/binary'
import { FILE_TYPE } from '@nydus/rafs-format'
import { BuildError } from '../build-error.ts'
import type { TarEntry } from '../tar/entry.ts'
import { normalizeTarPath } from '../tar/tar-path.ts'
import { byteName, byteNameOfText, displayPath, nameBytes } from './byte-name.ts'
import { type ByteName, createNode, isDirectory, isRegular, type Node } from './node.ts'

/** Marks the placeholder of a hard link into a lower layer; its value is the target's path without a leading slash. */
export const LINK_TARGET_XATTR = 'trusted.nydus.link-target'
const LINK_TARGET_NAME = nameBytes(byteNameOfText(LINK_TARGET_XATTR))

/** Resolves the hard links of one tree. */
export interface LinkResolver {
  /** The node to put at the link's path: the target's own node, or a placeholder. */
  resolve(entry: TarEntry): Node
  /** Replaces the placeholders whose targets came later. */
  finish(): void
}

interface EarlyLink {
  readonly path: readonly ByteName[]
  readonly target: readonly ByteName[]
  readonly placeholder: Node
}

/** @param lowerLinks whether placeholders may remain for `mergeLayers`. */
export function createLinkResolver(root: Node, lowerLinks: 'defer' | 'refuse'): LinkResolver {
  const early: EarlyLink[] = []
  const placeholders = new Map<Node, readonly ByteName[]>()

  function linkLater(path: readonly ByteName[], target: readonly ByteName[]): Node {
    const value = nameBytes(target.join('/'))
    const placeholder = createNode({ mode: FILE_TYPE.REGULAR, xattrs: [{ name: LINK_TARGET_NAME, value }] })
    placeholders.set(placeholder, target)
    early.push({ path, target, placeholder })
    return placeholder
  }

  return {
    resolve(entry) {
      const path = entry.path.map(byteName)
      const target = normalizeTarPath(entry.target ?? new Uint8Array(0), entry.offset).map(byteName)
      const node = lookupNode(root, target)
      if (node === undefined) return linkLater(path, target)
      const further = placeholders.get(node)
      if (further !== undefined) return linkLater(path, further)
      checkLinkable(node, path, target)
      node.hardLinked = true
      return node
    },
    finish() {
      for (const link of early.splice(0)) finishLink(root, link, placeholders, lowerLinks)
    },
  }
}

function finishLink(
  root: Node,
  { path, target, placeholder }: EarlyLink,
  placeholders: ReadonlyMap<Node, unknown>,
  lowerLinks: 'defer' | 'refuse',
): void {
  const siblings = lookupNode(root, path.slice(0, -1))?.children
  const name = path.at(-1) as ByteName
  if (siblings?.get(name) !== placeholder) return
  const node = lookupNode(root, target)
  if (node !== undefined && !placeholders.has(node)) {
    checkLinkable(node, path, target)
    node.hardLinked = true
    siblings.set(name, node)
    return
  }
  if (lowerLinks === 'refuse' || target.length === 0) throw missingTarget(path, target)
}

/** The node at `path`, not following links. */
export function lookupNode(root: Node, path: readonly ByteName[]): Node | undefined {
  let node: Node | undefined = root
  for (const name of path) node = node?.children?.get(name)
  return node
}

/** Components of a placeholder's target, or undefined for any other node. */
export function deferredTarget(node: Node): readonly ByteName[] | undefined {
  if (node.xattrs.length === 0 || !isRegular(node) || node.size > 0) return undefined
  const xattr = node.xattrs.find(({ name }) => equalBytes(name, LINK_TARGET_NAME))
  return xattr && byteName(xattr.value).split('/')
}

/**
 * Replaces the placeholders of `upper` by the nodes that they name in `lower`.
 * @throws {BuildError} ERR_BUILD_UNSUPPORTED_ENTRY for a target that is missing or a directory.
 */
export function resolvePlaceholders(upper: Node, lower: Node): void {
  const pending: { readonly path: readonly ByteName[]; readonly directory: Node }[] = [
    { path: [], directory: upper },
  ]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [name, node] of next.directory.children ?? []) {
      const target = deferredTarget(node)
      if (target !== undefined) {
        const path = [...next.path, name]
        const found = lookupNode(lower, target)
        if (found === undefined) throw missingTarget(path, target)
        checkLinkable(found, path, target)
        found.hardLinked = true
        next.directory.children?.set(name, found)
      } else if (node.children !== undefined) {
        pending.push({ path: [...next.path, name], directory: node })
      }
    }
  }
}

/** @throws {BuildError} ERR_BUILD_UNSUPPORTED_ENTRY for a directory. */
export function checkLinkable(node: Node, path: readonly ByteName[], target: readonly ByteName[]): void {
  if (!isDirectory(node)) return
  const details = { path: displayPath(path), target: displayPath(target) }
  throw new BuildError(
    'ERR_BUILD_UNSUPPORTED_ENTRY',
    `${details.path} is a hard link to the directory ${details.target}`,
    { details },
  )
}

/** The error for a hard link to nothing. */
export function missingTarget(path: readonly ByteName[], target: readonly ByteName[]): BuildError {
  const details = { path: displayPath(path), target: displayPath(target) }
  return new BuildError(
    'ERR_BUILD_UNSUPPORTED_ENTRY',
    `${details.path} is a hard link to ${details.target}, which does not exist`,
    { details, hint: 'the layer is broken, or it belongs on top of layers that have the target' },
  )
}
