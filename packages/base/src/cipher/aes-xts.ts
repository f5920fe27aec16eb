// SPDX-License-Identifier: Apache-2.0
/**
 * AES-128-XTS as RAFS uses it: a whole buffer is one data unit, and every buffer of a blob has the same tweak.
 * XTS needs at least one block, so shorter buffers are padded: to 16 bytes with the pad count, then the mark 78 90.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { FormatError } from '../error/index.ts'

/** Two AES-128 keys. */
export const AES_XTS_KEY_BYTES = 32
/** The tweak. */
export const AES_XTS_IV_BYTES = 16

const BLOCK_BYTES = 16
const PAD_MARK = [0x78, 0x90] as const
const PADDED_BYTES = BLOCK_BYTES + PAD_MARK.length

/** Secrets of one blob; never log them. */
export interface CipherContext {
  /** 32 bytes with unequal halves. */
  readonly key: Uint8Array
  /** 16 bytes. */
  readonly iv: Uint8Array
}

/**
 * @returns as many bytes as `plain` has, or 18 for shorter input than a block.
 * @throws {FormatError} ERR_FORMAT_CORRUPT when key or iv cannot be used.
 */
export function encryptXts(plain: Uint8Array, context: CipherContext): Uint8Array {
  checkContext(context)
  const cipher = createCipheriv('aes-128-xts', context.key, context.iv)
  const bytes = cipher.update(plain.length < BLOCK_BYTES ? padded(plain) : plain)
  cipher.final()
  return view(bytes)
}

/**
 * The way back. A decrypted buffer of 18 bytes that ends with the mark is taken for a padded one, as the format has it.
 * @throws {FormatError} ERR_FORMAT_CORRUPT for less than a block, or when key or iv cannot be used.
 */
export function decryptXts(encrypted: Uint8Array, context: CipherContext): Uint8Array {
  checkContext(context)
  if (encrypted.length < BLOCK_BYTES) {
    throw new FormatError(
      'ERR_FORMAT_CORRUPT',
      `encrypted buffer of ${encrypted.length} bytes, expected at least ${BLOCK_BYTES}`,
      { details: { expected: BLOCK_BYTES, found: encrypted.length } },
    )
  }
  const decipher = createDecipheriv('aes-128-xts', context.key, context.iv)
  const bytes = decipher.update(encrypted)
  decipher.final()
  return unpadded(view(bytes))
}

function padded(plain: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(PADDED_BYTES).fill(BLOCK_BYTES - plain.length, 0, BLOCK_BYTES)
  bytes.set(plain)
  bytes.set(PAD_MARK, BLOCK_BYTES)
  return bytes
}

function unpadded(bytes: Uint8Array): Uint8Array {
  const isPadded =
    bytes.length === PADDED_BYTES && PAD_MARK.every((mark, i) => bytes[BLOCK_BYTES + i] === mark)
  if (!isPadded) return bytes
  const pad = bytes[BLOCK_BYTES - 1] as number
  if (pad === 0 || pad > BLOCK_BYTES) return bytes
  return bytes.subarray(0, BLOCK_BYTES - pad)
}

function checkContext({ key, iv }: CipherContext): void {
  const half = AES_XTS_KEY_BYTES / 2
  const equalHalves = key.subarray(0, half).every((byte, i) => byte === key[half + i])
  if (key.length === AES_XTS_KEY_BYTES && iv.length === AES_XTS_IV_BYTES && !equalHalves) return
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `cipher key of ${key.length} bytes${equalHalves ? ' with equal halves' : ''} and iv of ${iv.length}, expected ${AES_XTS_KEY_BYTES} and ${AES_XTS_IV_BYTES}`,
    { details: { keyBytes: key.length, ivBytes: iv.length, equalHalves } },
  )
}

function view(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
