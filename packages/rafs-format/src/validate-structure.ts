// SPDX-License-Identifier: Apache-2.0
/** Structural check of a bootstrap without anything of Node. */
import { type Bootstrap, openBootstrap } from './bootstrap.ts'
import { type Finding, FindingList } from './finding.ts'
import { validateV5Tables } from './v5/validate-tables.ts'
import { type DigestBytes, validateV5Tree } from './v5/validate-tree.ts'
import { validateTables } from './v6/validate-tables.ts'
import { validateTree } from './v6/validate-tree.ts'

/** More findings than this say nothing new. */
const MAX_FINDINGS = 100

/**
 * Checks superblocks, tables and the whole tree. Never throws for bad content; the time is bounded by the size.
 * @param bytes the whole bootstrap.
 * @param digestBytes makes the digests that v5 inodes have; without it they are not checked.
 * @returns at most 100 findings, none for a sound bootstrap.
 */
export function validateStructure(bytes: Uint8Array, digestBytes?: DigestBytes): readonly Finding[] {
  const findings = new FindingList(MAX_FINDINGS)
  let bootstrap: Bootstrap | undefined
  findings.guard('superblock', () => {
    bootstrap = openBootstrap(bytes)
  })
  if (bootstrap === undefined) return findings.all
  if (bootstrap.fsVersion === 5) {
    validateV5Tables(bootstrap, findings)
    validateV5Tree(bootstrap, findings, digestBytes)
  } else {
    validateTables(bootstrap, findings)
    validateTree(bootstrap, findings)
  }
  return findings.all
}
