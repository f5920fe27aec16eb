// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import type { TreeEntry } from '@nydus/rafs-format'
import { type FileSource, readFile } from './read-file.ts'

/** Hex SHA-256 of a regular file's content, which is read for it. @throws what `readFile` throws. */
export async function digestOfFile(
  source: FileSource,
  { path, inode }: Pick<TreeEntry, 'path' | 'inode'>,
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of readFile(source, { path, inode }, signal)) hash.update(bytes)
  return hash.digest('hex')
}
