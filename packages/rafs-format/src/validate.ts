// SPDX-License-Identifier: Apache-2.0
/** Structural check of a bootstrap: everything that can be told without its blobs. */
import { type Bootstrap, openBootstrap } from './bootstrap.ts'
import { type Finding, FindingList } from './finding.ts'
import { validateTables } from './v6/validate-tables.ts'
import { validateTree } from './v6/validate-tree.ts'

/** More findings than this say nothing new. */
const MAX_FINDINGS = 100

/**
 * Checks superblocks, tables and the whole tree. Never throws for bad content; the time is bounded by the size.
 * @param bytes the whole bootstrap.
 * @returns at most 100 findings, none for a sound bootstrap.
 */
export function validateBootstrap(bytes: Uint8Array): readonly Finding[] {
  const findings = new FindingList(MAX_FINDINGS)
  let bootstrap: Bootstrap | undefined
  findings.guard('superblock', () => {
    bootstrap = openBootstrap(bytes)
  })
  if (bootstrap !== undefined) {
    validateTables(bootstrap, findings)
    validateTree(bootstrap, findings)
  }
  return findings.all
}
