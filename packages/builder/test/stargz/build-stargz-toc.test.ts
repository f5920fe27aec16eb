// SPDX-License-Identifier: Apache-2.0
import { inflateRawSync } from 'node:zlib'
import { codecOf, gzipHeaderSize } from '@nydus/base/compress'
import {
  BLOB_META_HEADER_BYTES,
  decodeBlobMetaHeader,
  openBlobMeta,
  openBootstrap,
  readFileChunks,
  validateBootstrap,
  walkTree,
} from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { buildStargzToc, readTar } from '../../src/index.ts'
import { manifest, readStored, readTree, type Stored } from '../fixture-store.ts'
import { collect, memorySink, pieces } from '../layer-bytes.ts'

const BLOB_ID = 'ab'.repeat(32)

interface Form extends Stored {
  readonly tree: string
  readonly variant: string
}

function formOf(tree: string, variant: string): Uint8Array {
  const { compressed_forms: forms } = manifest as unknown as { readonly compressed_forms: readonly Form[] }
  const form = forms.find((candidate) => candidate.tree === tree && candidate.variant === variant)
  if (form === undefined) throw new Error(`no form ${tree}.${variant}`)
  return readStored(form)
}

async function filesOf(tree: string): Promise<Map<string, { bytes: Buffer; mode: number; mtime: number }>> {
  const files = new Map()
  for await (const entry of readTar(pieces(readTree(tree)))) {
    const path = entry.path.map((part) => Buffer.from(part).toString()).join('/')
    const bytes = await collect(entry.content)
    if (entry.kind === 'file') files.set(path, { bytes, mode: entry.mode, mtime: entry.mtime })
  }
  return files
}

describe('buildStargzToc', () => {
  it.each(['mixed', 'types'])('describes the eStargz form of %s', async (tree) => {
    const layer = formOf(tree, 'esgz.tar.gz')
    const sink = memorySink()
    const build = await buildStargzToc(formOf(tree, 'stargz.index.json'), {
      blobId: BLOB_ID,
      blobDataSize: layer.length,
      sink,
      blobInlineMeta: false,
      blobToc: false,
    })
    const bootstrap = openBootstrap(build.bootstrap)
    expect(validateBootstrap(build.bootstrap)).toEqual([])
    expect(bootstrap.blobs[0]).toMatchObject({ blobId: BLOB_ID, compressor: 'gzip', features: 0x4000_0015 })
    const files = await filesOf(tree)
    let seen = 0
    for (const { path, inode } of walkTree(bootstrap)) {
      const name = path.map((part) => Buffer.from(part).toString()).join('/')
      const file = files.get(name)
      if (file === undefined) continue
      seen += 1
      expect(inode.mode & 0o7777, name).toBe(file.mode)
      expect(inode.mtime, name).toBe(file.mtime)
      const parts = readFileChunks(bootstrap, inode.nid).map(({ compressedOffset, compressedSize }) =>
        firstMember(layer.subarray(compressedOffset, compressedOffset + compressedSize)),
      )
      expect(Buffer.compare(Buffer.concat(parts).subarray(0, inode.size), file.bytes), name).toBe(0)
    }
    expect(seen).toBe(files.size)
    const meta = openSink(sink.bytes())
    expect(meta.chunkCount).toBe(build.chunkCount)
  })
})

/** What follows the first member belongs to the next entry. */
function firstMember(stored: Uint8Array): Buffer {
  return inflateRawSync(stored.subarray(gzipHeaderSize(stored)))
}

function openSink(file: Uint8Array) {
  const header = decodeBlobMetaHeader(file, file.length - BLOB_META_HEADER_BYTES)
  const stored = file.subarray(header.metaOffset, header.metaOffset + header.metaCompressedSize)
  return openBlobMeta(codecOf(header.compressor).decompress(stored, header.metaUncompressedSize), header)
}
