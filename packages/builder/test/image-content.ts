// SPDX-License-Identifier: Apache-2.0
/** What an image holds, read through its bootstrap and its blobs: for saying that two images are the same. */
import { createHash } from 'node:crypto'
import {
  type Bootstrap,
  FILE_TYPE,
  pathText,
  readFileChunks,
  readSymlink,
  readXattrs,
  S_IFMT,
  walkTree,
} from '@nydus/rafs-format'
import type { ChunkReader } from '../src/chunk-reader.ts'

/** One line a path; directories' sizes are left out, contents are digests. */
export async function imageContent(bootstrap: Bootstrap, reader: ChunkReader): Promise<readonly string[]> {
  const lines: string[] = []
  const first = new Map<number, string>()
  for (const { path, inode } of walkTree(bootstrap)) {
    const type = inode.mode & S_IFMT
    const name = pathText(path)
    const row: Record<string, unknown> = {
      name,
      mode: inode.mode.toString(8),
      owner: [inode.uid, inode.gid],
      mtime: [inode.mtime, inode.mtimeNsec],
      nlink: inode.nlink,
      xattrs: readXattrs(bootstrap, inode.nid)
        .map((xattr) => `${Buffer.from(xattr.name)}=${Buffer.from(xattr.value).toString('hex')}`)
        .sort(),
    }
    if (type === FILE_TYPE.SYMLINK)
      row.target = Buffer.from(readSymlink(bootstrap, inode.nid)).toString('hex')
    if (type === FILE_TYPE.CHAR_DEVICE || type === FILE_TYPE.BLOCK_DEVICE) row.rdev = inode.rdev
    if (type === FILE_TYPE.REGULAR) {
      row.sameAs = first.get(inode.nid) ?? name
      if (row.sameAs === name) first.set(inode.nid, name)
      row.size = inode.size
      row.content = await contentDigest(bootstrap, inode.nid, reader)
    }
    lines.push(JSON.stringify(row))
  }
  return lines
}

async function contentDigest(bootstrap: Bootstrap, nid: number, reader: ChunkReader): Promise<string> {
  const hash = createHash('sha256')
  for (const chunk of readFileChunks(bootstrap, nid))
    hash.update(await reader.readChunk(chunk.blobIndex, chunk))
  return hash.digest('hex')
}
