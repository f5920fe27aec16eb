// SPDX-License-Identifier: Apache-2.0
/** Prefetch patterns: absolute paths from the standard input, one a line. */
import { addAbortSignal } from 'node:stream'
import type { ImageArguments } from './command-spec.ts'
import type { ImageContext } from './context.ts'
import { refused } from './file-failure.ts'

/** More is not a list of paths. */
const MAX_PATTERN_BYTES = 64 << 20

/**
 * The patterns that `--prefetch-policy` calls for; the standard input is left alone without it.
 * @returns in their order; what an earlier pattern covers, and what is not absolute, is left out with a warning.
 * @throws {NydusError} ERR_USAGE for more than 64 MiB of patterns.
 */
export async function readPrefetchPatterns(
  values: ImageArguments,
  { stdin, log, signal }: ImageContext,
): Promise<readonly string[]> {
  if (values.text('prefetch-policy') === 'none') return []
  return selectPatterns(await readText(addAbortSignal(signal, stdin)), (message) => log.warn(message))
}

/** Lines of `text` that are patterns of their own. Lines may hold any bytes, one character each. */
export function selectPatterns(text: string, warn: (message: string) => void): readonly string[] {
  const patterns = new Set<string>()
  for (const line of text.split('\n')) {
    const path = line.trim()
    if (path === '') continue
    if (!path.startsWith('/')) {
      warn(`prefetch pattern ${path} is not an absolute path and is left out`)
      continue
    }
    const normal = path.length > 1 ? path.replace(/\/+$/, '') || '/' : path
    if (ancestors(normal).some((covering) => patterns.has(covering))) {
      warn(`prefetch pattern ${path} is covered by an earlier one and is left out`)
    } else patterns.add(normal)
  }
  return [...patterns]
}

/** The path itself and every directory above it. */
function ancestors(path: string): readonly string[] {
  const found = ['/']
  for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1))
    found.push(path.slice(0, end))
  return [...found, path]
}

async function readText(stdin: AsyncIterable<Uint8Array | string>): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of stdin) {
    const bytes = Buffer.from(piece)
    size += bytes.length
    if (size > MAX_PATTERN_BYTES) throw refused(`more than ${MAX_PATTERN_BYTES} bytes of prefetch patterns`)
    pieces.push(bytes)
  }
  return Buffer.concat(pieces).toString('utf8')
}
