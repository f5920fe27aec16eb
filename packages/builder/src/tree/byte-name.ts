// SPDX-License-Identifier: Apache-2.0
/** Conversion between raw bytes and byte names (one character per byte), see node.ts. */
import type { ByteName } from './node.ts'

/** @param bytes file name or path, any bytes. */
export function byteName(bytes: Uint8Array): ByteName {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** The raw bytes of a byte name: a new array. */
export function nameBytes(name: ByteName): Uint8Array {
  const bytes = new Uint8Array(name.length)
  for (let i = 0; i < name.length; i++) bytes[i] = name.charCodeAt(i)
  return bytes
}

/** A byte name of a text given as UTF-8, for patterns and messages of people. */
export function byteNameOfText(text: string): ByteName {
  return byteName(new TextEncoder().encode(text))
}

/** A path for messages: `/` and the components, read as UTF-8 with replacement characters. */
export function displayPath(components: readonly (Uint8Array | ByteName)[]): string {
  const decoder = new TextDecoder()
  return `/${components.map((part) => decoder.decode(typeof part === 'string' ? nameBytes(part) : part)).join('/')}`
}
