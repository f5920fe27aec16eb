// SPDX-License-Identifier: Apache-2.0
/** Names as text and back, for messages, listings and ASCII constants. Pure JavaScript: works on shared memory. */

const BACKSLASH = 0x5c
const PERCENT = 0x25
/** Control characters above ASCII, which some terminals obey; C2 80 … C2 9F in UTF-8. */
const C1_CONTROL = /[\u0080-\u009f]/g

/** ASCII text as bytes. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

/**
 * UTF-8 `bytes` as text. Control characters, backslashes and all bytes of what is not UTF-8 come out as `\xNN`, so
 * different bytes never give the same text.
 */
export function bytesText(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    if (!isPlain(byte)) return decodeUtf8(bytes) ?? escapeAll(bytes)
    text += String.fromCharCode(byte)
  }
  return text
}

/** What `cstring` fields read, in quotes, with everything but plain ASCII escaped: safe to show in a terminal. */
export function quotedText(text: string): string {
  return `"${escapeAll(asciiBytes(text))}"`
}

/** Lower-case hex digits of `bytes`. */
export function hexText(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += hexByte(byte)
  return text
}

// decodeURIComponent is the one UTF-8 decoder that every JavaScript has and that takes no buffer.
function decodeUtf8(bytes: Uint8Array): string | undefined {
  let encoded = ''
  for (const byte of bytes) {
    if (byte >= 0x80) encoded += `%${hexByte(byte)}`
    else if (byte === PERCENT) encoded += '%25'
    else encoded += escapeByte(byte)
  }
  try {
    return decodeURIComponent(encoded).replace(
      C1_CONTROL,
      (control) => `\\xc2\\x${hexByte(control.charCodeAt(0))}`,
    )
  } catch {
    return undefined
  }
}

function escapeAll(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += escapeByte(byte)
  return text
}

function escapeByte(byte: number): string {
  return isPlain(byte) ? String.fromCharCode(byte) : `\\x${hexByte(byte)}`
}

function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f && byte !== BACKSLASH
}

function hexByte(byte: number): string {
  return (byte < 16 ? '0' : '') + byte.toString(16)
}
