// SPDX-License-Identifier: Apache-2.0
/** Counts and times of one image's reads from its backend, in the classes of the original's metrics. */

/** Upper bounds in bytes; the last class has none. */
export const SIZE_BOUNDS = [1 << 10, 4 << 10, 16 << 10, 64 << 10, 128 << 10, 512 << 10, 1 << 20] as const
/** Upper bounds in milliseconds; the last class has none. */
export const LATENCY_BOUNDS = [1, 20, 50, 100, 500, 1000, 2000] as const
const CLASSES = 8

/** One image's counts; arrays have 8 classes. */
export interface BackendCounts {
  readonly reads: number
  readonly bytes: number
  readonly milliseconds: number
  /** Milliseconds spent, by the size of the read. */
  readonly millisecondsBySize: readonly number[]
  readonly readsBySize: readonly number[]
  /** Reads by latency, within each class of size. */
  readonly latencyBySize: readonly (readonly number[])[]
}

/** Counts reads. */
export interface BackendMeter {
  /** @param length bytes. */
  count(length: number, milliseconds: number): void
  counts(): BackendCounts
}

/** Everything zero. */
export function createBackendMeter(): BackendMeter {
  const zeros = (): number[] => new Array<number>(CLASSES).fill(0)
  const latencyBySize = Array.from({ length: CLASSES }, zeros)
  const millisecondsBySize = zeros()
  const readsBySize = zeros()
  let reads = 0
  let bytes = 0
  let milliseconds = 0
  return {
    count(length, ms) {
      const size = classOf(length, SIZE_BOUNDS)
      const latencies = latencyBySize[size]
      const latency = classOf(ms, LATENCY_BOUNDS)
      if (latencies !== undefined) latencies[latency] = (latencies[latency] ?? 0) + 1
      readsBySize[size] = (readsBySize[size] ?? 0) + 1
      millisecondsBySize[size] = (millisecondsBySize[size] ?? 0) + Math.round(ms)
      reads += 1
      bytes += length
      milliseconds += Math.round(ms)
    },
    counts: () => ({ reads, bytes, milliseconds, millisecondsBySize, readsBySize, latencyBySize }),
  }
}

function classOf(value: number, bounds: readonly number[]): number {
  const found = bounds.findIndex((bound) => value < bound)
  return found < 0 ? bounds.length : found
}
