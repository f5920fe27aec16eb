// SPDX-License-Identifier: Apache-2.0
export { AES_XTS_IV_BYTES, AES_XTS_KEY_BYTES, type CipherContext, decryptXts, encryptXts } from './aes-xts.ts'
