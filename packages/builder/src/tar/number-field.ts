// SPDX-License-Identifier: Apache-2.0

/**
 * Value of a header's number field: octal digits between spaces and NULs, or base-256.
 * @returns the number (negative only for base-256), 0 for an empty field, undefined for anything that is no number or
 *   is not a safe integer.
 */
export function parseNumberField(field: Uint8Array): number | undefined {
  const first = field[0] ?? 0
  return (first & 0x80) === 0 ? parseOctal(field) : parseBase256(field)
}

function parseOctal(field: Uint8Array): number | undefined {
  let start = 0
  while (start < field.length && isBlank(field[start] as number)) start += 1
  let value = 0
  let i = start
  for (; i < field.length && !isBlank(field[i] as number); i++) {
    const digit = (field[i] as number) - 0x30
    if (digit < 0 || digit > 7) return undefined
    value = value * 8 + digit
  }
  for (; i < field.length; i++) {
    if (field[i] === 0) break
    if (!isBlank(field[i] as number)) return undefined
  }
  return Number.isSafeInteger(value) ? value : undefined
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0
}

/** Two's complement big-endian; the top bit of the first byte is only the mark. */
function parseBase256(field: Uint8Array): number | undefined {
  const negative = ((field[0] as number) & 0x40) !== 0
  let value = (field[0] as number) & 0x3f
  if (negative) value -= 0x40
  for (let i = 1; i < field.length; i++) {
    value = value * 256 + (field[i] as number)
    if (!Number.isSafeInteger(value)) return undefined
  }
  return value
}
