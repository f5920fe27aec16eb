// SPDX-License-Identifier: Apache-2.0
/**
 * Checks of every directory, inode, xattr, symlink and chunk of a v5 bootstrap, and of the inodes' digests:
 *
 *   file        digest of the digests of its chunks, in file order
 *   symlink     digest of its target
 *   directory   digest of the digests of its children, in order
 *   others      digest of nothing; seen only in that of their directory, as in the original
 */
import { compareBytes } from '@nydus/base/binary'
import type { Digester } from '@nydus/base/digest'
import type { V5Bootstrap } from '../bootstrap.ts'
import { bytesText, hexText } from '../byte-text.ts'
import type { FindingList } from '../finding.ts'
import { SUPER_FLAGS } from '../flags.ts'
import { FILE_TYPE, isDirectoryMode, S_IFMT } from '../v6/inode.ts'
import { pathText, walkTree } from '../walk.ts'
import { isSupportedXattr } from '../xattr.ts'
import { storedV5Chunks, v5InodeExtents } from './file-chunks.ts'
import {
  readV5Inode,
  readV5Record,
  readV5Symlink,
  type V5Inode,
  v5InodeDigest,
  v5InodeName,
  v5RecordXattrs,
} from './inode.ts'
import { checkV5Chunks } from './validate-chunks.ts'

/** Makes the digest of `bytes`: 32 bytes. */
export type DigestBytes = (digester: Digester, bytes: Uint8Array) => Uint8Array

const MAX_NSEC = 999_999_999
const DIGEST_BYTES = 32

/** What the checks of a tree share. */
interface TreeCheck {
  readonly bootstrap: V5Bootstrap
  readonly findings: FindingList
  readonly digestBytes: DigestBytes | undefined
}

/** Adds findings about the tree of `bootstrap`. The walk ends at the first directory that cannot be read. */
export function validateV5Tree(
  bootstrap: V5Bootstrap,
  findings: FindingList,
  digestBytes: DigestBytes | undefined,
): void {
  const check = { bootstrap, findings, digestBytes }
  const { inodeTableEntries, inodeCount } = bootstrap.superBlock
  let nodes = 0
  let inodes = 0
  findings.guard('tree', () => {
    for (const { path, inode, repeated } of walkTree(bootstrap)) {
      nodes++
      if (!repeated) inodes++
      if (path.length === 0) findings.expect(isDirectoryMode(inode.mode), '/', 'the root is no directory')
      if (isDirectoryMode(inode.mode)) checkDirectory(check, readV5Inode(bootstrap, inode.nid), path)
      if (findings.full) return
    }
    findings.equal('superblock', 'number of nodes', inodeTableEntries, nodes, 'warning')
    // Builders of 2021 did not count the root.
    const counted = inodeCount === inodes || inodeCount === inodes - 1
    findings.expect(counted, 'superblock', `${inodeCount} inodes, the tree has ${inodes}`, 'warning')
  })
}

/** Names ascend, children know their parent, and every record is what it has to be. */
function checkDirectory(check: TreeCheck, directory: V5Inode, path: readonly Uint8Array[]): void {
  const { bootstrap, findings } = check
  const place = pathText(path)
  const digests = new Uint8Array(directory.childCount * DIGEST_BYTES)
  let before: Uint8Array | undefined
  for (let i = 0; i < directory.childCount && !findings.full; i++) {
    const record = readV5Record(bootstrap, directory.childIndex + i)
    const name = v5InodeName(bootstrap, record)
    const ascending = before === undefined || compareBytes(before, name) < 0
    findings.expect(ascending, place, `entry ${bytesText(name)} is not in ascending order`)
    before = name
    digests.set(v5InodeDigest(bootstrap, record), i * DIGEST_BYTES)
    const childPlace = pathText([...path, name])
    findings.equal(childPlace, 'parent', record.parentIno, directory.ino)
    findings.guard(childPlace, () => checkRecord(check, record, childPlace))
  }
  checkMembers(check, directory, place)
  checkDigest(check, directory, digests, place)
}

function checkRecord(check: TreeCheck, record: V5Inode, place: string): void {
  const { bootstrap, findings } = check
  const type = record.mode & S_IFMT
  if (type === FILE_TYPE.DIRECTORY) return
  checkMembers(check, record, place)
  if (type === FILE_TYPE.SYMLINK) {
    const target = readV5Symlink(bootstrap, record.nid)
    findings.expect(!target.includes(0), place, 'symlink target with a NUL byte')
    checkDigest(check, record, target, place)
  }
  if (type === FILE_TYPE.REGULAR) {
    const chunks = storedV5Chunks(bootstrap, record)
    checkV5Chunks(bootstrap, chunks, place, findings)
    findings.guard(place, () => void v5InodeExtents(bootstrap, record, 0, record.size))
    const digests = new Uint8Array(chunks.length * DIGEST_BYTES)
    for (const [i, { digest }] of chunks.entries()) digests.set(digest, i * DIGEST_BYTES)
    checkDigest(check, record, digests, place)
  }
}

function checkMembers({ bootstrap, findings }: TreeCheck, record: V5Inode, place: string): void {
  findings.expect(record.mtimeNsec <= MAX_NSEC, place, `${record.mtimeNsec} nanoseconds`)
  findings.guard(place, () => {
    const xattrs = v5RecordXattrs(bootstrap, record)
    const unflagged = xattrs.length > 0 && (bootstrap.flags & SUPER_FLAGS.HAS_XATTR) === 0n
    findings.expect(!unflagged, place, 'xattrs without the HAS_XATTR flag')
    for (const { name } of xattrs) {
      findings.expect(
        isSupportedXattr(name),
        place,
        `xattr ${bytesText(name)} has no prefix that RAFS can store`,
      )
    }
  })
}

function checkDigest(check: TreeCheck, record: V5Inode, content: Uint8Array, place: string): void {
  const { bootstrap, findings, digestBytes } = check
  if (digestBytes === undefined) return
  const stored = v5InodeDigest(bootstrap, record)
  const made = digestBytes(bootstrap.digester, content)
  if (compareBytes(stored, made) === 0) return
  const [found, expected] = [hexText(stored), hexText(made)]
  findings.add({
    severity: 'error',
    code: 'ERR_DIGEST_MISMATCH',
    place,
    message: `digest is ${found}, expected ${expected}`,
    expected,
    found,
  })
}
