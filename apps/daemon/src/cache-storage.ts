// SPDX-License-Identifier: Apache-2.0
/** From the cache settings of the configuration to the way chunks are kept. */
import type { CacheStorage } from '@nydus/chunk-cache'
import { DaemonError } from './daemon-error.ts'

/** The settings that decide. */
export interface CacheStorageConfig {
  readonly compressed: boolean
  readonly config: {
    readonly enable_encryption: boolean
    readonly enable_convergent_encryption: boolean
    /** 64 hex digits, two unequal halves. A secret. */
    readonly encryption_key: string
  }
}

const KEY_DIGITS = /^[0-9a-fA-F]{64}$/

/**
 * A compressed cache is never encrypted, as with the original: it holds what the registry holds.
 * @throws {DaemonError} ERR_CONFIG_INVALID for encryption without a usable key; the key is never quoted.
 */
export function cacheStorage({ compressed, config }: CacheStorageConfig): CacheStorage {
  // The original wants a key for convergent encryption too, although it does not use it.
  const key = config.enable_encryption ? parseKey(config.encryption_key) : undefined
  if (compressed) return { kind: 'compressed' }
  if (key === undefined) return { kind: 'plain' }
  return { kind: 'encrypted', key: config.enable_convergent_encryption ? undefined : key }
}

function parseKey(text: string): Uint8Array {
  const key = Buffer.from(KEY_DIGITS.test(text) ? text : '', 'hex')
  const half = key.length / 2
  if (key.length > 0 && !key.subarray(0, half).equals(key.subarray(half))) return key
  throw new DaemonError(
    'ERR_CONFIG_INVALID',
    'device.cache.config.encryption_key is not 64 hex digits with unequal halves',
    { hint: 'set it, or turn enable_encryption off' },
  )
}
