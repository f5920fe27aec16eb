// SPDX-License-Identifier: Apache-2.0
/**
 * JSON text byte for byte as Go's encoding/json writes it, so that manifests and configs get the digests that the
 * original tools give them. Source: https://pkg.go.dev/encoding/json#Marshal (HTML escaping is on by default).
 */

const GO_ESCAPES: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
}

/**
 * Encodes `value` in the key order it has.
 * @param indent 'compact' as json.Marshal, 'indented' as json.MarshalIndent with two spaces; no final newline.
 */
export function encodeGoJson(value: unknown, indent: 'compact' | 'indented'): Uint8Array {
  const text = JSON.stringify(value, undefined, indent === 'indented' ? 2 : undefined)
  return new TextEncoder().encode(text.replace(/[<>&\u2028\u2029]/g, (found) => GO_ESCAPES[found] ?? found))
}

/** A copy of `map` with its keys in the order Go writes map keys: by their UTF-8 bytes. */
export function sortedMap<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  const keys = Object.keys(map).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return Object.fromEntries(keys.map((key) => [key, map[key] as T]))
}

/** Tells whether Go's `omitempty` leaves a value out: null, false, 0, "", empty arrays and maps. */
export function isGoEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && Object.keys(value).length === 0
}
