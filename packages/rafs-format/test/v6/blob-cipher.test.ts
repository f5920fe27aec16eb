// SPDX-License-Identifier: Apache-2.0
import { decryptXts } from '@nydus/base/cipher'
import { describe, expect, it } from 'vitest'
import {
  BLOB_META_HEADER_BYTES,
  blobCipher,
  CIPHER_IDS,
  cipherMembers,
  decodeBlobMetaHeader,
  encodeBlobTable,
  openBootstrap,
} from '../../src/index.ts'
import { output } from '../golden.ts'
import { madeBlob } from '../make-bootstrap.ts'

describe('blobCipher', () => {
  it('decrypts what the original encrypted', () => {
    const bootstrap = openBootstrap(output('mixed-v6-encrypt', 'bootstrap'))
    const [blob] = bootstrap.blobs
    if (blob === undefined) throw new Error('no blob')
    const context = blobCipher(blob)
    if (context === undefined) throw new Error('no cipher')
    const at = blob.metaOffset + blob.metaCompressedSize
    const stored = output('mixed-v6-encrypt', 'blob').subarray(at, at + BLOB_META_HEADER_BYTES)
    expect(() => decodeBlobMetaHeader(stored)).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_BAD_MAGIC' }),
    )
    expect(decodeBlobMetaHeader(decryptXts(stored, context))).toMatchObject({
      chunkCount: blob.chunkCount,
      metaOffset: blob.metaOffset,
    })
  })
  it('comes back from the members that encode it, byte for byte', () => {
    const bootstrap = openBootstrap(output('mixed-v6-encrypt', 'bootstrap'))
    const [blob] = bootstrap.blobs
    const context = blob && blobCipher(blob)
    if (!blob || !context) throw new Error('no cipher')
    const again = { ...madeBlob(0, 4096), ...blob, ...cipherMembers(context) }
    expect(encodeBlobTable([again])).toEqual(encodeBlobTable([blob]))
    expect(blobCipher(again)).toEqual(context)
    expect([context.key.length, context.iv.length]).toEqual([32, 16])
  })
  it('is absent for other blobs', () => expect(blobCipher(madeBlob(0, 4096))).toBeUndefined())
  it('refuses other ciphers, keys and IVs', () => {
    expect(() => blobCipher({ ...madeBlob(0, 4096), cipher: 2 })).toThrowError(
      expect.objectContaining({ code: 'ERR_FORMAT_UNSUPPORTED_FEATURE' }),
    )
    expect(() => blobCipher({ ...madeBlob(0, 4096), cipher: CIPHER_IDS.aes_128_xts })).toThrowError(
      /cipher 1/,
    )
    for (const [key, iv] of [
      [16, 16],
      [32, 8],
    ] as const) {
      expect(() => cipherMembers({ key: new Uint8Array(key), iv: new Uint8Array(iv) })).toThrowError(
        expect.objectContaining({ code: 'ERR_FORMAT_CORRUPT' }),
      )
    }
  })
})
