// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { AES_XTS_IV_BYTES, AES_XTS_KEY_BYTES, type CipherContext } from '@nydus/base/cipher'

/** A new key and IV. The halves of the key differ, as AES-XTS asks. */
export function randomCipher(random: (size: number) => Uint8Array = randomBytes): CipherContext {
  for (;;) {
    const key = new Uint8Array(random(AES_XTS_KEY_BYTES))
    const half = AES_XTS_KEY_BYTES / 2
    if (key.subarray(0, half).every((byte, i) => byte === key[half + i])) continue
    return { key, iv: new Uint8Array(random(AES_XTS_IV_BYTES)) }
  }
}
