// SPDX-License-Identifier: Apache-2.0
/** Names and paths as strings with one character per byte (Latin-1): they work as Map keys and compare like bytes. */

/** Bytes as one character each. */
export type ByteText = string

/** @param bytes a file name, target or path. */
export function byteText(bytes: Uint8Array): ByteText {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** The bytes again. */
export function textBytes(text: ByteText): Uint8Array {
  return Buffer.from(text, 'latin1')
}

/** For people: read as UTF-8, bytes that are not are written `\xNN`, control characters too. */
export function displayText(text: ByteText): string {
  const bytes = textBytes(text)
  try {
    return escapeControls(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    const isPrintable = (byte: number) => byte >= 0x20 && byte < 0x7f
    return Array.from(bytes, (byte) =>
      isPrintable(byte) ? String.fromCharCode(byte) : hexEscape(byte),
    ).join('')
  }
}

/** A path of byte texts for people: `/` between and before the components. */
export function displayPath(components: readonly ByteText[]): string {
  return `/${components.map(displayText).join('/')}`
}

function escapeControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they would break a line of output
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (found) => hexEscape(found.charCodeAt(0)))
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}
