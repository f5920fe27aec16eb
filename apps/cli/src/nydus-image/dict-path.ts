// SPDX-License-Identifier: Apache-2.0
/** The value of `--chunk-dict`. */
import { refused } from './file-failure.ts'

/** `[bootstrap=]PATH` → path. @throws {NydusError} ERR_USAGE for another kind of dictionary. */
export function dictPathOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const [, kind, path = ''] = /^(?:([^=]*)=)?(.*)$/s.exec(text) ?? []
  if (kind === undefined || kind === 'bootstrap') return path
  throw refused(`invalid chunk dict type ${kind}`)
}
