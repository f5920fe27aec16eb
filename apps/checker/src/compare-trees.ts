// SPDX-License-Identifier: Apache-2.0
/** Source tree against target: every path of both, every attribute. The root's own attributes are not compared. */
import { FILE_TYPE, S_IFMT } from '@nydus/rafs-format'
import { type ByteText, displayPath, displayText } from './byte-path.ts'
import type { FindingSink, RuleName } from './finding.ts'
import { loadAhead } from './load-ahead.ts'
import type { SourceNode } from './source/source-node.ts'
import type { TargetAttributes, TargetTree } from './target/target-tree.ts'

/** What a comparison looked at. */
export interface CompareCounts {
  /** Paths that both sides have. */
  pathCount: number
  /** Regular files among them, whose content was compared. */
  fileCount: number
}

interface Comparison<Ref> {
  readonly target: TargetTree<Ref>
  readonly rule: RuleName
  readonly report: FindingSink
  readonly signal: AbortSignal | undefined
  readonly counts: CompareCounts
  /** First name and target identity of each regular file. */
  readonly seen: Map<SourceNode, { readonly identity: unknown; readonly path: string }>
  readonly identities: Map<unknown, { readonly node: SourceNode; readonly path: string }>
}

/**
 * Compares `root` with `target` and reports each difference with its path.
 * @throws {FormatError} for a bootstrap whose structure is broken, and the signal's reason.
 */
export async function compareTrees<Ref>(
  root: SourceNode,
  target: TargetTree<Ref>,
  options: {
    readonly rule: RuleName
    readonly report: FindingSink
    readonly signal?: AbortSignal | undefined
  },
): Promise<CompareCounts> {
  const comparison: Comparison<Ref> = {
    target,
    rule: options.rule,
    report: options.report,
    signal: options.signal,
    counts: { pathCount: 0, fileCount: 0 },
    seen: new Map(),
    identities: new Map(),
  }
  await compareDirectory(comparison, root, target.root, [])
  return comparison.counts
}

async function compareDirectory<Ref>(
  comparison: Comparison<Ref>,
  node: SourceNode,
  ref: Ref,
  path: readonly ByteText[],
): Promise<void> {
  const { target, rule, report, signal } = comparison
  const found = await target.list(ref)
  const names = [...new Set([...(node.children?.keys() ?? []), ...found.keys()])].sort()
  const load = (name: ByteText) => loadObject(comparison, node.children?.get(name), found.get(name))
  for await (const [name, object] of loadAhead(names, target.concurrency, load)) {
    signal?.throwIfAborted()
    const childPath = [...path, name]
    if (object !== undefined) await compareObject(comparison, object, childPath)
    else {
      const message = node.children?.has(name) ? 'is missing in the target' : 'is not in the source'
      report({ rule, path: displayPath(childPath), message })
    }
  }
}

/** Something that both sides have. */
interface LoadedObject<Ref> {
  readonly node: SourceNode
  readonly ref: Ref
  readonly attributes: TargetAttributes
  /** Undefined also for what has no content, or where it was not compared because the sizes differ. */
  readonly contentFault: string | undefined
}

/** Does all reading of one object. */
async function loadObject<Ref>(
  { target, signal }: Comparison<Ref>,
  node: SourceNode | undefined,
  ref: Ref | undefined,
): Promise<LoadedObject<Ref> | undefined> {
  if (node === undefined || ref === undefined) return undefined
  signal?.throwIfAborted()
  const attributes = await target.attributes(ref)
  const hasContent = isRegular(node.mode) && isRegular(attributes.mode) && node.size === attributes.size
  const contentFault = hasContent ? await target.contentFault(ref, node.chunkDigests) : undefined
  return { node, ref, attributes, contentFault }
}

async function compareObject<Ref>(
  comparison: Comparison<Ref>,
  { node, ref, attributes, contentFault }: LoadedObject<Ref>,
  path: readonly ByteText[],
): Promise<void> {
  const { rule, report, counts } = comparison
  const shown = displayPath(path)
  counts.pathCount += 1
  for (const message of attributeFaults(node, attributes)) report({ rule, path: shown, message })
  const type = node.mode & S_IFMT
  if (type !== (attributes.mode & S_IFMT)) return
  if (type === FILE_TYPE.DIRECTORY) await compareDirectory(comparison, node, ref, path)
  if (type !== FILE_TYPE.REGULAR) return
  counts.fileCount += 1
  const link = linkFault(comparison, node, attributes.identity, shown)
  if (link !== undefined) report({ rule, path: shown, message: link })
  if (contentFault !== undefined) report({ rule, path: shown, message: contentFault })
}

function isRegular(mode: number): boolean {
  return (mode & S_IFMT) === FILE_TYPE.REGULAR
}

function* attributeFaults(node: SourceNode, found: TargetAttributes): Generator<string, void, undefined> {
  const type = node.mode & S_IFMT
  if (type !== (found.mode & S_IFMT)) {
    yield `is a ${typeName(found.mode)}, expected a ${typeName(node.mode)}`
    return
  }
  if (node.implied) return
  const hasSize = type === FILE_TYPE.REGULAR || type === FILE_TYPE.SYMLINK
  if (node.mode !== found.mode) yield `mode is ${octal(found.mode)}, expected ${octal(node.mode)}`
  if (node.uid !== found.uid) yield `uid is ${found.uid}, expected ${node.uid}`
  if (node.gid !== found.gid) yield `gid is ${found.gid}, expected ${node.gid}`
  if (hasSize && node.size !== found.size) yield `size is ${found.size}, expected ${node.size}`
  if (node.rdev !== found.rdev) yield `device is ${device(found.rdev)}, expected ${device(node.rdev)}`
  if (node.symlink !== found.symlink)
    yield `points to ${quoted(found.symlink)}, expected ${quoted(node.symlink)}`
  if (node.mtime !== found.mtime && !isLostTime(node, found)) {
    yield `mtime is ${found.mtime}, expected ${node.mtime}`
  }
  if (found.xattrs !== undefined) yield* xattrFaults(node.xattrs, found.xattrs)
}

/**
 * Where the original builder is known to lose a time: it stores 0 for those that do not fit 32 bits, and for directories
 * that an upper layer has files in but no entry for.
 */
function isLostTime(node: SourceNode, found: TargetAttributes): boolean {
  if (found.mtime !== 0) return false
  const isDirectory = (found.mode & S_IFMT) === FILE_TYPE.DIRECTORY
  const looksImplied = isDirectory && (found.mode & 0o7777) === 0o755 && found.uid === 0 && found.gid === 0
  return looksImplied || node.mtime < 0 || node.mtime > 0xffff_ffff
}

function* xattrFaults(
  expected: ReadonlyMap<ByteText, ByteText>,
  found: ReadonlyMap<ByteText, ByteText>,
): Generator<string, void, undefined> {
  for (const [name, value] of expected) {
    const other = found.get(name)
    if (other === undefined) yield `xattr ${displayText(name)} is missing`
    else if (other !== value) yield `xattr ${displayText(name)} is ${hex(other)}, expected ${hex(value)}`
  }
  for (const name of found.keys())
    if (!expected.has(name)) yield `xattr ${displayText(name)} is not in the source`
}

/** Two names are one file in the target exactly when they are in the source. */
function linkFault<Ref>(
  { seen, identities }: Comparison<Ref>,
  node: SourceNode,
  identity: unknown,
  path: string,
): string | undefined {
  const before = seen.get(node)
  const other = identities.get(identity)
  if (before === undefined) seen.set(node, { identity, path })
  if (other === undefined) identities.set(identity, { node, path })
  if (before !== undefined && before.identity !== identity) return `is not the same file as ${before.path}`
  if (other !== undefined && other.node !== node)
    return `is the same file as ${other.path}, in the source it is not`
  return undefined
}

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [FILE_TYPE.FIFO]: 'fifo',
  [FILE_TYPE.CHAR_DEVICE]: 'character device',
  [FILE_TYPE.DIRECTORY]: 'directory',
  [FILE_TYPE.BLOCK_DEVICE]: 'block device',
  [FILE_TYPE.REGULAR]: 'file',
  [FILE_TYPE.SYMLINK]: 'symlink',
  [FILE_TYPE.SOCKET]: 'socket',
}

function typeName(mode: number): string {
  return TYPE_NAMES[mode & S_IFMT] ?? 'thing of unknown type'
}

function octal(mode: number): string {
  return `0${(mode & 0o7777).toString(8).padStart(3, '0')}`
}

function device(rdev: number): string {
  return `${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xfff00)}`
}

function quoted(text: ByteText | undefined): string {
  return text === undefined ? 'nothing' : JSON.stringify(displayText(text))
}

function hex(value: ByteText): string {
  const text = Buffer.from(value, 'latin1').toString('hex')
  return text.length > 80 ? `${text.slice(0, 80)}… (${value.length} bytes)` : `0x${text}`
}
