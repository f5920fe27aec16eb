// SPDX-License-Identifier: Apache-2.0
/** Names in quotes, escaped as the original prints them. */
import { isUtf8 } from 'node:buffer'

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\0': '\\0',
}
/** Controls, combining marks, separators and what has no meaning: shown by number. */
const UNPRINTABLE = /["\\]|(?! )[\p{C}\p{Z}]|\p{Mn}/gu

/** `"name"`: see `escapedBytes`. */
export function quotedText(bytes: Uint8Array): string {
  return `"${escapedBytes(bytes)}"`
}

/** Text of a name: controls as `\u{1}`, bytes that are no UTF-8 as `\xNN`. */
export function escapedBytes(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return escapeText(Buffer.from(bytes).toString('utf8'))
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at)
    if (length === 0) {
      text += `\\x${(bytes[at] ?? 0).toString(16).toUpperCase().padStart(2, '0')}`
      at += 1
    } else {
      text += escapeText(Buffer.from(bytes.subarray(at, at + length)).toString('utf8'))
      at += length
    }
  }
  return text
}

function escapeText(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    return ESCAPES[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`
  })
}

/** Bytes of the UTF-8 character at `at`, 0 if there is none. */
function characterLength(bytes: Uint8Array, at: number): number {
  for (const length of [1, 2, 3, 4]) {
    const slice = bytes.subarray(at, at + length)
    if (slice.length === length && isUtf8(slice)) return length
  }
  return 0
}
