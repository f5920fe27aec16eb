// SPDX-License-Identifier: Apache-2.0

/** The bytes in memory that threads share: copied once, unless they lie over a SharedArrayBuffer already. */
export function shareBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  return shared
}
