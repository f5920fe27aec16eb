// SPDX-License-Identifier: Apache-2.0

const ZERO = 0x30

/**
 * A number field of a tar header: octal digits and a NUL, or base-256 (the first byte has its top bit set) for what
 * does not fit.
 * @param value a safe integer, negative only for times.
 * @param width of the field in bytes.
 */
export function encodeNumberField(value: number, width: number): Uint8Array {
  const field = new Uint8Array(width)
  let rest = value
  if (fitsOctal(value, width)) {
    for (let i = width - 2; i >= 0; i--) {
      field[i] = ZERO + (rest % 8)
      rest = Math.floor(rest / 8)
    }
    return field
  }
  for (let i = width - 1; i >= 0; i--) {
    field[i] = ((rest % 256) + 256) % 256
    rest = Math.floor(rest / 256)
  }
  field[0] = (field[0] as number) | 0x80
  return field
}

/** Tells whether every tar reader can read the number. */
export function fitsOctal(value: number, width: number): boolean {
  return value >= 0 && value < 8 ** (width - 1)
}
