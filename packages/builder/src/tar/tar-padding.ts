// SPDX-License-Identifier: Apache-2.0
import { TAR_BLOCK_BYTES } from './layout.ts'

/** Bytes from the end of `size` bytes of content to the next block. */
export function paddingAfter(size: number): number {
  const rest = size % TAR_BLOCK_BYTES
  return rest === 0 ? 0 : TAR_BLOCK_BYTES - rest
}
