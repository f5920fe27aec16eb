// SPDX-License-Identifier: Apache-2.0
/** Checks of what opening a v5 bootstrap leaves open: flags, blobs, prefetch table. Places of tables are checked there. */
import type { V5Bootstrap } from '../bootstrap.ts'
import type { FindingList } from '../finding.ts'
import { COMPRESSOR_IDS, compressorFlag, DIGESTER_IDS, digesterFlag } from '../flags.ts'
import { readV5Inode } from './inode.ts'

/** Adds findings about the superblock and the tables of `bootstrap`. */
export function validateV5Tables(bootstrap: V5Bootstrap, findings: FindingList): void {
  checkFlags(bootstrap, findings)
  checkBlobs(bootstrap, findings)
  findings.guard('prefetch table', () => checkPrefetch(bootstrap, findings))
}

function checkFlags({ flags }: V5Bootstrap, findings: FindingList): void {
  const one = <T extends string>(
    ids: Readonly<Record<T, number>>,
    flagOf: (name: T) => bigint,
    what: string,
  ) => {
    const names = (Object.keys(ids) as T[]).filter((name) => (flags & flagOf(name)) !== 0n)
    const message = `flags 0x${flags.toString(16)} name ${names.length} ${what}s`
    findings.expect(names.length === 1, 'superblock', message, 'warning')
  }
  one(COMPRESSOR_IDS, compressorFlag, 'compressor')
  one(DIGESTER_IDS, digesterFlag, 'digester')
}

function checkBlobs({ blobs, superBlock, hasBlobSizes }: V5Bootstrap, findings: FindingList): void {
  const ids = new Set<string>()
  for (const { blobId, blobIndex } of blobs) {
    findings.expect(!ids.has(blobId), 'blob table', `blob ${blobIndex} repeats ${blobId}`, 'warning')
    ids.add(blobId)
  }
  const { extendedBlobTableEntries } = superBlock
  if (!hasBlobSizes) return
  findings.equal(
    'blob table',
    'number of extended entries',
    extendedBlobTableEntries,
    blobs.length,
    'warning',
  )
}

function checkPrefetch(bootstrap: V5Bootstrap, findings: FindingList): void {
  for (const nid of bootstrap.prefetchNids()) {
    findings.guard('prefetch table', () => void readV5Inode(bootstrap, nid))
    if (findings.full) return
  }
}
