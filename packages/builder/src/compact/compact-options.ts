// SPDX-License-Identifier: Apache-2.0
/** How compaction chooses blobs. */
import { BuildError } from '../build-error.ts'

/** Members left out have the defaults of the original. */
export interface CompactOptions {
  /**
   * Rewrite blobs of whose chunk data files use less than this many per cent, 0 to 99; 0, the default, rewrites none.
   * Leave it off for blobs that other images share.
   */
  readonly minUsedRatio?: number
  /** Merge blobs of fewer bytes than this, default 10 MiB. */
  readonly compactBlobSize?: number
  /** Merge no further when the chunks of a new blob would be more bytes, default 100 MiB. */
  readonly maxCompactSize?: number
  /** Leave images of fewer blobs alone; 0, the default, never does. */
  readonly layersToCompact?: number
}

/** The original's defaults. */
export const DEFAULT_COMPACT_OPTIONS = {
  minUsedRatio: 0,
  compactBlobSize: 10 << 20,
  maxCompactSize: 100 << 20,
  layersToCompact: 0,
} as const satisfies Required<CompactOptions>

/**
 * Fills in defaults.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for a ratio outside 0 … 99 or another number that is no count.
 */
export function planCompaction(options: CompactOptions): Required<CompactOptions> {
  const names = Object.keys(DEFAULT_COMPACT_OPTIONS) as (keyof CompactOptions)[]
  const plan = { ...DEFAULT_COMPACT_OPTIONS } as Record<keyof CompactOptions, number>
  for (const name of names) {
    const value = options[name] ?? DEFAULT_COMPACT_OPTIONS[name]
    const limit = name === 'minUsedRatio' ? 99 : Number.MAX_SAFE_INTEGER
    if (!Number.isSafeInteger(value) || value < 0 || value > limit) {
      throw new BuildError(
        'ERR_BUILD_OPTION_CONFLICT',
        `${name} ${value} is not a whole number from 0 to ${limit}`,
        {
          details: { [name]: value, limit },
        },
      )
    }
    plan[name] = value
  }
  return plan
}
