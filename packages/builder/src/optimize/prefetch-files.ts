// SPDX-License-Identifier: Apache-2.0
/** Lists of files that a container reads first: what an access trace is, and what `optimize` takes. */
import { BuildError } from '../build-error.ts'

/** One file of the list. */
export interface PrefetchFile {
  /** Absolute path in the image. */
  readonly path: string
  /** Bytes of the file that are read; the whole file without. */
  readonly ranges?: readonly { readonly offset: number; readonly length: number }[]
}

const VERSION = 'v1'

/**
 * Reads a list: JSON such as `{"version":"v1","files":[{"path":"/bin/sh","ranges":[[0,4096]]}]}`, or one path a line.
 * Paths that are not absolute are left out, as the original does; an empty text is an empty list.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for broken JSON, another version or members of other types.
 */
export function parsePrefetchFiles(text: string): readonly PrefetchFile[] {
  const trimmed = text.trim()
  const files = trimmed.startsWith('{') ? fromJson(trimmed) : fromLines(trimmed)
  return files.filter(({ path }) => path.startsWith('/'))
}

function fromLines(text: string): PrefetchFile[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((path) => path !== '')
    .map((path) => ({ path }))
}

function fromJson(text: string): PrefetchFile[] {
  const list = parseJson(text)
  if (!isRecord(list) || list.version !== VERSION) {
    const found = isRecord(list) ? list.version : undefined
    throw invalid(`version ${JSON.stringify(found)} instead of ${JSON.stringify(VERSION)}`)
  }
  if (!Array.isArray(list.files)) throw invalid('no array "files"')
  return list.files.map(toFile)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid('broken JSON', cause)
  }
}

function toFile(entry: unknown, position: number): PrefetchFile {
  if (!isRecord(entry) || typeof entry.path !== 'string') throw invalid(`no path in entry ${position}`)
  const { path, ranges } = entry
  if (ranges === undefined || ranges === null) return { path }
  if (!Array.isArray(ranges)) throw invalid(`ranges of entry ${position} are no array`)
  return { path, ranges: ranges.map((range) => toRange(range, position)) }
}

function toRange(range: unknown, position: number): { offset: number; length: number } {
  const numbers: readonly unknown[] = Array.isArray(range) && range.length === 2 ? range : []
  const [offset, length] = numbers
  if (!isCount(offset) || !isCount(length)) {
    throw invalid(`a range of entry ${position} is ${JSON.stringify(range)} instead of [offset, length]`)
  }
  return { offset, length }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(what: string, cause?: unknown): BuildError {
  return new BuildError('ERR_BUILD_OPTION_CONFLICT', `list of prefetch files: ${what}`, {
    cause,
    hint: 'it is {"version":"v1","files":[{"path":"/a","ranges":[[0,4096]]}]} or one absolute path a line',
  })
}
