// SPDX-License-Identifier: Apache-2.0
/**
 * Attributes of paths, as a gitattributes file has them: one line a path, `#` starts a comment.
 *
 *   /models/a.bin type=external blob_index=0 blob_id=… chunk_size=1048576 chunk_0_compressed_offset=512 …
 */
import { BuildError } from '../build-error.ts'
import { byteNameOfText } from '../tree/byte-name.ts'
import type { ByteName } from '../tree/node.ts'

/** Attributes of one path by name; one without a value has `true`, a negated one `false`. */
export type AttributeSet = ReadonlyMap<string, string>

/** The attributes of all paths of one file. */
export interface FileAttributes {
  /** @param path components joined by `/`, without a leading one; bytes as in ByteName. */
  of(path: ByteName): AttributeSet | undefined
  /** Tells whether the path's data is somewhere else. Directories above such a path are, too. */
  isExternal(path: ByteName): boolean
  /** Tells whether the path is external or something below it. */
  leadsToExternal(path: ByteName): boolean
}

const EXTERNAL: AttributeSet = new Map([['type', 'external']])

/**
 * Reads attributes.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for a line that is no list of attributes.
 */
export function parseFileAttributes(text: string): FileAttributes {
  const items = new Map<ByteName, AttributeSet>()
  for (const [index, line] of text.split('\n').entries()) {
    const item = parseLine(line.trim(), index + 1)
    if (item === undefined) continue
    items.set(item.path, item.attributes)
    for (const parent of parentsOf(item.path)) if (!items.has(parent)) items.set(parent, EXTERNAL)
  }
  const isExternal = (path: ByteName) => items.get(path)?.get('type') === 'external'
  const leading = new Set<ByteName>()
  for (const path of items.keys()) {
    if (isExternal(path)) for (const each of [path, ...parentsOf(path)]) leading.add(each)
  }
  return { of: (path) => items.get(path), isExternal, leadsToExternal: (path) => leading.has(path) }
}

function parseLine(line: string, number: number): { path: ByteName; attributes: AttributeSet } | undefined {
  if (line === '' || line.startsWith('#') || line.startsWith('[attr]')) return undefined
  const { pattern, rest } = splitPattern(line, number)
  const attributes = new Map<string, string>()
  for (const word of rest.split(/\s+/)) {
    if (word === '') continue
    const [, sign, name, value] = /^([-!]?)([A-Za-z0-9_.][\w.-]*)(?:=(.*))?$/.exec(word) ?? []
    if (name === undefined) throw badLine(number, `${JSON.stringify(word)} is no attribute`)
    attributes.set(name, sign ? 'false' : (value ?? 'true'))
  }
  const path = pattern.split('/').filter((part) => part !== '' && part !== '.')
  return { path: byteNameOfText(path.join('/')), attributes }
}

/** A path with spaces is quoted. */
function splitPattern(line: string, number: number): { pattern: string; rest: string } {
  if (!line.startsWith('"')) {
    const [pattern = ''] = line.split(/\s/, 1)
    return { pattern, rest: line.slice(pattern.length) }
  }
  const quoted = /^"(?:[^"\\]|\\.)*"/.exec(line)?.[0]
  if (quoted === undefined) throw badLine(number, 'the quoted path does not end')
  try {
    return { pattern: String(JSON.parse(quoted)), rest: line.slice(quoted.length) }
  } catch (cause) {
    throw badLine(number, `${quoted} cannot be read`, cause)
  }
}

/** The directories above a path, without the root. */
function parentsOf(path: ByteName): ByteName[] {
  const parents: ByteName[] = []
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    parents.push(path.slice(0, end))
  }
  return parents
}

function badLine(number: number, problem: string, cause?: unknown): BuildError {
  return new BuildError('ERR_BUILD_OPTION_CONFLICT', `attributes, line ${number}: ${problem}`, {
    details: { line: number },
    cause,
  })
}
