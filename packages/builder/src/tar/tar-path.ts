// SPDX-License-Identifier: Apache-2.0
/** Paths inside an archive: raw bytes, split at slashes. */
import { BuildError } from '../build-error.ts'

const SLASH = 0x2f
const DOT = 0x2e
/** Longest file name that EROFS and Linux know, in bytes. */
const MAX_NAME_BYTES = 255

/**
 * Splits `path` into components; leading, doubled and trailing slashes and `.` components are dropped.
 * @param offset of the entry in the tar, for messages.
 * @returns views into `path`; `[]` for the root.
 * @throws {BuildError} ERR_BUILD_PATH_ESCAPE for a `..` component, ERR_BUILD_TOO_LARGE for a name above 255 bytes,
 *   ERR_BUILD_BAD_TAR for a NUL byte.
 */
export function normalizeTarPath(path: Uint8Array, offset: number): Uint8Array[] {
  if (path.includes(0)) throw pathError('ERR_BUILD_BAD_TAR', 'NUL byte in', path, offset)
  const components: Uint8Array[] = []
  let start = 0
  while (start < path.length) {
    const slash = path.indexOf(SLASH, start)
    const end = slash === -1 ? path.length : slash
    const component = path.subarray(start, end)
    start = end + 1
    if (component.length === 0 || isDots(component, 1)) continue
    if (isDots(component, 2)) throw pathError('ERR_BUILD_PATH_ESCAPE', "'..' in", path, offset)
    if (component.length > MAX_NAME_BYTES) {
      throw pathError(
        'ERR_BUILD_TOO_LARGE',
        `name of ${component.length} bytes (at most ${MAX_NAME_BYTES}) in`,
        path,
        offset,
      )
    }
    components.push(component)
  }
  return components
}

function isDots(component: Uint8Array, count: 1 | 2): boolean {
  return component.length === count && component[0] === DOT && component[count - 1] === DOT
}

function pathError(
  code: 'ERR_BUILD_BAD_TAR' | 'ERR_BUILD_PATH_ESCAPE' | 'ERR_BUILD_TOO_LARGE',
  what: string,
  path: Uint8Array,
  offset: number,
): BuildError {
  const text = new TextDecoder().decode(path.subarray(0, 300))
  return new BuildError(code, `${what} the path ${JSON.stringify(text)} at 0x${offset.toString(16)}`, {
    details: { path: text, offset },
  })
}
