// SPDX-License-Identifier: Apache-2.0
/** One run: read the stored bytes, decode, verify, store, and tell who waits, chunk by chunk. */
import type { ByteRange } from '@nydus/base/binary'
import { isNydusError } from '@nydus/base/error'
import type { StoredBytes } from './chunk-data.ts'
import type { Flight } from './chunk-flights.ts'
import { type DecodeContext, decodeUnit } from './decode-chunk.ts'
import { chunksOf, type FetchRun, type FetchUnit } from './plan-fetch.ts'

/** What a run needs from its cache. */
export interface RunPorts {
  readonly decode: DecodeContext
  /** Reads exactly `range` from the blob. */
  fetch(range: ByteRange, reason: 'read' | 'retry', signal: AbortSignal): Promise<Uint8Array>
  /**
   * Stores consecutive chunks from chunk `first` on and marks them ready.
   * @param stored the units they were decoded from.
   * @returns false when the disk has no room for them.
   */
  store(first: number, chunks: readonly Uint8Array[], stored: readonly StoredBytes[]): Promise<boolean>
}

/** About this much is decoded and stored at a time: it bounds memory and how long the event loop is busy. */
const SLICE_BYTES = 1 << 20

/** Decoded chunks, consecutive, not stored yet. */
interface Slice {
  readonly first: number
  readonly chunks: Uint8Array[]
  readonly stored: Set<StoredBytes>
  bytes: number
}

/** A unit's chunks, and what they were decoded from. */
interface DecodedUnit {
  readonly chunks: readonly Uint8Array[]
  readonly stored: StoredBytes
}

/**
 * Flies `run`. Only what the flight carries is stored. A unit that stays wrong fails alone; when the read fails, the
 * whole flight does.
 */
export async function flyRun(run: FetchRun, ports: RunPorts, flight: Flight): Promise<void> {
  const body = await ports.fetch(run, 'read', flight.signal)
  flight.received()
  let slice: Slice = newSlice(-1)
  for (const unit of run.units) {
    const start = unit.offset - run.offset
    const decoded = await decode(unit, body.subarray(start, start + unit.length), ports, flight)
    if (decoded === undefined) continue
    for (const [i, bytes] of decoded.chunks.entries()) {
      const index = unit.first + i
      if (!flight.carries(index)) continue
      if (slice.first + slice.chunks.length !== index || slice.bytes >= SLICE_BYTES) {
        await deliver(slice, ports, flight)
        slice = newSlice(index)
      }
      slice.chunks.push(bytes)
      slice.stored.add(decoded.stored)
      slice.bytes += bytes.length
    }
  }
  await deliver(slice, ports, flight)
}

function newSlice(first: number): Slice {
  return { first, chunks: [], stored: new Set(), bytes: 0 }
}

/** The unit's chunks; after a mismatch once more from the source; undefined when that fails too. */
async function decode(
  unit: FetchUnit,
  bytes: Uint8Array,
  ports: RunPorts,
  flight: Flight,
): Promise<DecodedUnit | undefined> {
  const { offset } = unit
  try {
    return { chunks: decodeUnit(ports.decode, unit, bytes), stored: { offset, bytes } }
  } catch (error) {
    if (!isNydusError(error)) throw error
  }
  try {
    const again = await ports.fetch(unit, 'retry', flight.signal)
    return { chunks: decodeUnit(ports.decode, unit, again), stored: { offset, bytes: again } }
  } catch (error) {
    for (const index of chunksOf(unit)) flight.reject(index, error)
    return undefined
  }
}

async function deliver(slice: Slice, ports: RunPorts, flight: Flight): Promise<void> {
  if (slice.chunks.length === 0) return
  const isStored = await ports.store(slice.first, slice.chunks, [...slice.stored])
  // A view into a large body would keep all of it alive.
  for (const [i, bytes] of slice.chunks.entries()) {
    flight.settle(slice.first + i, isStored ? undefined : Uint8Array.from(bytes))
  }
}
