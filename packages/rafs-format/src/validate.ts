// SPDX-License-Identifier: Apache-2.0
/** Structural check of a bootstrap: everything that can be told without its blobs. */
import { digestBytes } from '@nydus/base/digest'
import type { Finding } from './finding.ts'
import { validateStructure } from './validate-structure.ts'

/**
 * Checks superblocks, tables and the whole tree, of v5 also the digests of inodes. Never throws for bad content; the time is
 * bounded by the size.
 * @param bytes the whole bootstrap.
 * @returns at most 100 findings, none for a sound bootstrap.
 */
export function validateBootstrap(bytes: Uint8Array): readonly Finding[] {
  return validateStructure(bytes, digestBytes)
}
