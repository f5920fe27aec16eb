// SPDX-License-Identifier: Apache-2.0

/**
 * Value of a header's number field: octal digits between spaces and NULs, or base-256.
 * @param block that has the field at `[start, end)`.
 * @returns the number (negative only for base-256), 0 for an empty field, undefined for anything that is no number or
 *   is not a safe integer.
 */
export function parseNumberField(block: Uint8Array, start = 0, end = block.length): number | undefined {
  const first = block[start] ?? 0
  return (first & 0x80) === 0 ? parseOctal(block, start, end) : parseBase256(block, start, end)
}

function parseOctal(block: Uint8Array, start: number, end: number): number | undefined {
  let i = start
  while (i < end && isBlank(block[i] as number)) i += 1
  let value = 0
  for (; i < end && !isBlank(block[i] as number); i++) {
    const digit = (block[i] as number) - 0x30
    if (digit < 0 || digit > 7) return undefined
    value = value * 8 + digit
  }
  for (; i < end; i++) {
    if (block[i] === 0) break
    if (!isBlank(block[i] as number)) return undefined
  }
  return Number.isSafeInteger(value) ? value : undefined
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0
}

/** Two's complement big-endian; the top bit of the first byte is only the mark. */
function parseBase256(block: Uint8Array, start: number, end: number): number | undefined {
  const first = block[start] as number
  let value = first & 0x3f
  if ((first & 0x40) !== 0) value -= 0x40
  for (let i = start + 1; i < end; i++) {
    value = value * 256 + (block[i] as number)
    if (!Number.isSafeInteger(value)) return undefined
  }
  return value
}
