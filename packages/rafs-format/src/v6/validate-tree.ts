// SPDX-License-Identifier: Apache-2.0
/** Checks of every directory, inode, xattr, symlink and chunk reference. */
import { compareBytes } from '@nydus/base/binary'
import type { Bootstrap } from '../bootstrap.ts'
import { bytesText } from '../byte-text.ts'
import type { FindingList, FindingPlace } from '../finding.ts'
import { SUPER_FLAGS } from '../flags.ts'
import { DIRENT_TYPE } from '../layout/erofs.ts'
import { isDotName, pathText, type TreeEntry, walkTree } from '../walk.ts'
import type { DirEntry } from './directory.ts'
import { readV6FileChunks } from './file-chunks.ts'
import { direntTypeOf, FILE_TYPE, type Inode, isDirectoryMode, readXattrs, S_IFMT } from './inode.ts'
import { readSymlink } from './symlink.ts'

const MAX_NSEC = 999_999_999

/** Adds findings about the tree of `bootstrap`. The walk ends at the first directory that cannot be read. */
export function validateTree(bootstrap: Bootstrap, findings: FindingList): void {
  let count = 0
  const onDirent = direntChecker(findings)
  findings.guard('tree', () => {
    for (const entry of walkTree(bootstrap, { onDirent })) {
      count++
      checkEntry(bootstrap, entry, () => pathText(entry.path), findings)
      if (findings.full) return
    }
    const { inodeCount } = bootstrap
    findings.expect(
      count === inodeCount,
      'superblock',
      `${inodeCount} inodes, the tree has ${count}`,
      'warning',
    )
  })
}

function checkEntry(
  bootstrap: Bootstrap,
  entry: TreeEntry,
  place: FindingPlace,
  findings: FindingList,
): void {
  const { inode, fileType, repeated } = entry
  const type = inode.mode & S_IFMT
  if (fileType !== undefined && fileType !== DIRENT_TYPE.UNKNOWN) {
    findings.expect(
      fileType === direntTypeOf(inode.mode),
      place,
      `dirent type ${fileType}, inode mode 0${inode.mode.toString(8)}`,
    )
  }
  if (fileType === undefined) findings.expect(isDirectoryMode(inode.mode), place, 'the root is no directory')
  if (repeated) return
  findings.expect(inode.nlink > 0, place, 'no links')
  findings.expect(inode.mtimeNsec <= MAX_NSEC, place, `${inode.mtimeNsec} nanoseconds`)
  checkInlineTail(bootstrap, inode, place, findings)
  findings.guard(place, () => {
    const unflagged =
      readXattrs(bootstrap, inode.nid).length > 0 && (bootstrap.flags & SUPER_FLAGS.HAS_XATTR) === 0n
    findings.expect(!unflagged, place, 'xattrs without the HAS_XATTR flag')
  })
  if (type === FILE_TYPE.SYMLINK) findings.guard(place, () => checkTarget(bootstrap, inode, place, findings))
  if (type === FILE_TYPE.REGULAR) findings.guard(place, () => void readV6FileChunks(bootstrap, inode.nid))
}

// The kernel reads the inline tail from one block.
function checkInlineTail(
  bootstrap: Bootstrap,
  inode: Inode,
  place: FindingPlace,
  findings: FindingList,
): void {
  const { blockSize } = bootstrap
  const tail = inode.size % blockSize
  if (inode.layout !== 'flat-inline' || tail === 0) return
  const within = (inode.tailOffset % blockSize) + tail <= blockSize
  findings.expect(
    within,
    place,
    `inline data of ${tail} bytes at 0x${inode.tailOffset.toString(16)} crosses a block`,
  )
}

function checkTarget(bootstrap: Bootstrap, inode: Inode, place: FindingPlace, findings: FindingList): void {
  findings.expect(!readSymlink(bootstrap, inode.nid).includes(0), place, 'symlink target with a NUL byte')
}

/** Names ascend over the whole directory; `.` and `..` lead where they must. */
function direntChecker(findings: FindingList): (directory: TreeEntry, dirent: DirEntry) => void {
  const previous = new Map<number, Uint8Array>()
  return (directory, { name, nid }) => {
    const place = (): string => pathText(directory.path)
    const before = previous.get(directory.inode.nid)
    const ascending = before === undefined || compareBytes(before, name) < 0
    findings.expect(ascending, place, `entry ${bytesText(name)} is not in ascending order`)
    previous.set(directory.inode.nid, name)
    if (!isDotName(name)) return
    const expected = name.length === 1 ? directory.inode.nid : directory.parentNid
    findings.expect(nid === expected, place, `entry ${bytesText(name)} has nid ${nid}, expected ${expected}`)
  }
}
