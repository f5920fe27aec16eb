// SPDX-License-Identifier: Apache-2.0
/**
 * Key and IV of an encrypted blob, which the blob table keeps where other blobs have their separate meta blob:
 *
 *   168  key, 32 bytes      200  IV bytes 0..7      208  IV bytes 8..15      216  cipher
 */
import type { CipherContext } from '@nydus/base/cipher'
import { FormatError } from '@nydus/base/error'
import type { BlobInfo } from './blob-table.ts'

/** Numbers of the ciphers in the blob table. Two more are known by name only; no builder can write them. */
export const CIPHER_IDS = { none: 0, aes_128_xts: 1 } as const

/** Members of a blob's entry that say how it is encrypted. */
export type CipherMembers = Pick<BlobInfo, 'cipher' | 'metaBlobDigest' | 'metaBlobSize' | 'ivTail'> &
  Required<Pick<BlobInfo, 'ivHead'>>

const IV_HALF_BYTES = 8
const KEY_BYTES = 32

/**
 * What decrypts the chunks, the chunk array and the meta header of `blob`; undefined for a blob that is not encrypted.
 * The key is a view into the bootstrap. Never log it.
 * @throws {FormatError} ERR_FORMAT_UNSUPPORTED_FEATURE for another cipher than AES-128-XTS.
 */
export function blobCipher(
  blob: Pick<BlobInfo, 'blobIndex' | 'cipher' | 'metaBlobDigest' | 'ivHead' | 'ivTail'>,
): CipherContext | undefined {
  if (blob.cipher === CIPHER_IDS.none) return undefined
  if (blob.cipher !== CIPHER_IDS.aes_128_xts || blob.ivHead === undefined) {
    throw new FormatError(
      'ERR_FORMAT_UNSUPPORTED_FEATURE',
      `blob ${blob.blobIndex}: cipher ${blob.cipher}, this reader knows ${CIPHER_IDS.aes_128_xts} (AES-128-XTS)`,
      { details: { blob: blob.blobIndex, cipher: blob.cipher } },
    )
  }
  const iv = new Uint8Array(2 * IV_HALF_BYTES)
  iv.set(blob.ivHead)
  iv.set(blob.ivTail, IV_HALF_BYTES)
  return { key: blob.metaBlobDigest, iv }
}

/**
 * The other way round: members to spread into the entry of an encrypted blob. The entry keeps views of key and IV.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when key or IV have another length.
 */
export function cipherMembers({ key, iv }: CipherContext): CipherMembers {
  if (key.length !== KEY_BYTES || iv.length !== 2 * IV_HALF_BYTES) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `cipher key of ${key.length} bytes and iv of ${iv.length}, expected ${KEY_BYTES} and ${2 * IV_HALF_BYTES}`,
      { details: { keyBytes: key.length, ivBytes: iv.length } },
    )
  }
  return {
    cipher: CIPHER_IDS.aes_128_xts,
    metaBlobDigest: key,
    metaBlobSize: 0,
    ivHead: iv.subarray(0, IV_HALF_BYTES),
    ivTail: iv.subarray(IV_HALF_BYTES),
  }
}
