// SPDX-License-Identifier: Apache-2.0
/** Every context that the original wrote decodes to the tar's bytes: `inflateContext` on real blob metas. */
import { gunzipSync } from 'node:zlib'
import { codecOf, inflateContext } from '@nydus/base/compress'
import {
  BLOB_META_HEADER_BYTES,
  type BlobMeta,
  decodeBlobMetaHeader,
  openBlobMeta,
  openBootstrap,
  parseBlobMetaFile,
} from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { fixtureOf, manifest, readOutput } from '../fixture-store.ts'
import { readSource } from '../golden-source.ts'

describe('contexts of zran blobs', () => {
  const created = manifest.fixtures.filter(
    ({ id, kind, exit }) => kind === 'create' && exit === 0 && /-zran-(?!given|inline)/.test(id),
  )
  it.each(created.map(({ id }) => id))('%s', (id) => {
    const fixture = fixtureOf(id)
    const blob = openBootstrap(readOutput(fixture, 'bootstrap')).blobs[0]
    if (blob === undefined) throw new Error('no blob')
    const file = readOutput(fixture, 'blob')
    const header = decodeBlobMetaHeader(file, file.length - BLOB_META_HEADER_BYTES)
    const stored = file.subarray(header.metaOffset, header.metaOffset + header.metaCompressedSize)
    const array = codecOf(header.compressor).decompress(stored, header.metaUncompressedSize)
    const gzip = readSource(fixture)
    expect(decodeAll(openBlobMeta(array, header), gzip)).toBe(header.contextCount)
  })

  it('cache/v6-zran', () => {
    const fixture = fixtureOf('cache-v6-zran')
    const name = Object.keys(fixture.outputs ?? {}).find((key) => key.endsWith('.blob.meta')) ?? ''
    const { meta, header } = parseBlobMetaFile(readOutput(fixture, name))
    expect(decodeAll(meta, readSource(fixtureOf('mixed-zran-l6')))).toBe(header.contextCount)
  })
})

/** Compares every context with the plain tar. @returns how many there were. */
function decodeAll(meta: BlobMeta, gzip: Uint8Array): number {
  const tar = gunzipSync(gzip)
  for (let i = 0; i < meta.contextCount; i++) {
    const context = meta.zranContext(i)
    const plain = inflateContext(gzip.subarray(context.inOffset, context.inOffset + context.inSize), {
      bits: context.unusedBits,
      byte: context.previousByte,
      dictionary: meta.zranDictionary(context),
      outLength: context.outSize,
    })
    const expected = tar.subarray(context.outOffset, context.outOffset + context.outSize)
    expect(Buffer.compare(plain, expected), `context ${i}`).toBe(0)
  }
  return meta.contextCount
}
