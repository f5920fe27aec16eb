// SPDX-License-Identifier: Apache-2.0
/** Reads every file of a built image out of its blobs and compares it with the tar. */
import { openBootstrap, readFileChunks, S_IFMT, walkTree } from '@nydus/rafs-format'
import { readTar } from '../src/index.ts'
import { type BlobFiles, blobChunkReader } from './blob-chunk-reader.ts'
import { collect, pieces } from './layer-bytes.ts'

const STARGZ_FILES = ['stargz.index.json', '.prefetch.landmark', '.no.prefetch.landmark']

/** @returns paths of files that are missing or differ; entries of the tar that are replaced later count only once. */
export async function differingFiles(
  tar: Uint8Array,
  bootstrapBytes: Uint8Array,
  files: BlobFiles,
): Promise<{ readonly differing: string[]; readonly count: number }> {
  const bootstrap = openBootstrap(bootstrapBytes)
  const reader = blobChunkReader(bootstrap, () => files)
  const found = new Map<string, Buffer>()
  for (const { path, inode } of walkTree(bootstrap)) {
    if ((inode.mode & S_IFMT) !== 0x8000) continue
    const parts: Uint8Array[] = []
    for (const chunk of readFileChunks(bootstrap, inode.nid))
      parts.push(await reader.readChunk(chunk.blobIndex, chunk))
    found.set(nameOf(path), Buffer.concat(parts))
  }
  const expected = new Map<string, Buffer>()
  for await (const entry of readTar(pieces(tar))) {
    const bytes = await collect(entry.content)
    const path = nameOf(entry.path)
    if (STARGZ_FILES.includes(path)) continue
    if (entry.kind === 'file') expected.set(path, bytes)
    else expected.delete(path)
  }
  const differing = [...expected].filter(([path, bytes]) => found.get(path)?.equals(bytes) !== true)
  return { differing: differing.map(([path]) => path), count: expected.size }
}

function nameOf(path: readonly Uint8Array[]): string {
  return path.map((part) => Buffer.from(part).toString('latin1')).join('/')
}
