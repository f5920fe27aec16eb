// SPDX-License-Identifier: Apache-2.0
/** Decoded batches and zran contexts: several chunks come out of one, so it is kept for the next of them. */

/** Most recently used contexts by key. Whoever asks for one that is being made waits for it. */
export interface ContextCache {
  /** What is kept under `key`, else what `make` gives; a failure is not kept. */
  get(key: string, make: () => Promise<Uint8Array>): Promise<Uint8Array>
  drop(key: string): void
}

/** Keeps up to `maxBytes`, but always the last one. */
export function createContextCache(maxBytes: number): ContextCache {
  const entries = new Map<string, { readonly bytes: Promise<Uint8Array>; size: number }>()
  let total = 0

  const drop = (key: string): void => {
    total -= entries.get(key)?.size ?? 0
    entries.delete(key)
  }
  const shrink = (): void => {
    for (const [key, { size }] of entries) {
      if (total <= maxBytes || entries.size === 1) break
      if (size > 0) drop(key)
    }
  }

  return {
    drop,
    get(key, make) {
      const known = entries.get(key)
      if (known !== undefined) {
        entries.delete(key)
        entries.set(key, known)
        return known.bytes
      }
      const entry = { bytes: make(), size: 0 }
      entries.set(key, entry)
      entry.bytes.then(
        ({ length }) => {
          if (entries.get(key) !== entry) return
          entry.size = length
          total += length
          shrink()
        },
        () => {
          if (entries.get(key) === entry) drop(key)
        },
      )
      return entry.bytes
    },
  }
}
