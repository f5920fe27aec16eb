// SPDX-License-Identifier: Apache-2.0
/** Single flight per chunk: whoever wants a chunk that is being fetched waits for that fetch. */

/** What a flight delivers for a chunk: undefined when it is on disk, its bytes when the disk had no room for it. */
export type ChunkResult = Uint8Array | undefined

/** One fetch of several chunks and everyone who waits for it. */
export interface Flight {
  /** Aborts when the last waiter left before the bytes had arrived. */
  readonly signal: AbortSignal
  /** Tells whether the flight still is to deliver a chunk. */
  carries(chunk: number): boolean
  /** From now on the flight is finished even if nobody waits: the bytes are here. */
  received(): void
  /** Ends the flight for one chunk. Its readiness must be visible before. */
  settle(chunk: number, result: ChunkResult): void
  /** Ends the flight for one chunk with a failure. */
  reject(chunk: number, reason: unknown): void
}

interface OpenFlight {
  readonly controller: AbortController
  readonly pending: Map<number, PromiseWithResolvers<ChunkResult>>
  waiters: number
  received: boolean
}

/** The fetches under way in one blob. */
export interface ChunkFlights {
  has(chunk: number): boolean
  /**
   * Opens a flight for `chunks`, none of which may be in flight, and lets `work` fly it. Chunks that are not settled
   * when `work` ends fail with what it threw.
   */
  start(chunks: readonly number[], work: (flight: Flight) => Promise<void>): void
  /**
   * Waits for `chunks`, all of which are in flight. When `signal` aborts the caller leaves at once with its reason; a
   * flight that nobody waits for any more is aborted unless its bytes have arrived.
   */
  wait(chunks: readonly number[], signal: AbortSignal | undefined): Promise<ReadonlyMap<number, Uint8Array>>
  /** Aborts with `reason` what waits for bytes, and resolves when that and what has its bytes already have ended. */
  landAll(reason: unknown): Promise<void>
}

/** Creates the table of flights of one blob. */
export function createChunkFlights(): ChunkFlights {
  const byChunk = new Map<number, OpenFlight>()
  const running = new Set<Promise<void>>()

  const forget = (flight: OpenFlight, chunk: number): void => {
    flight.pending.delete(chunk)
    if (byChunk.get(chunk) === flight) byChunk.delete(chunk)
  }

  const failAll = (flight: OpenFlight, reason: unknown): void => {
    for (const [chunk, deferred] of [...flight.pending]) {
      forget(flight, chunk)
      deferred.reject(reason)
    }
  }

  const leave = (flight: OpenFlight, reason: unknown): void => {
    flight.waiters--
    if (flight.waiters > 0 || flight.received || flight.pending.size === 0) return
    failAll(flight, reason)
    flight.controller.abort(reason)
  }

  return {
    has: (chunk) => byChunk.has(chunk),

    start(chunks, work) {
      const flight: OpenFlight = {
        controller: new AbortController(),
        pending: new Map(),
        waiters: 0,
        received: false,
      }
      for (const chunk of chunks) {
        const deferred = Promise.withResolvers<ChunkResult>()
        // Chunks that were only fetched along have nobody who would hear of a failure.
        deferred.promise.catch(() => {})
        flight.pending.set(chunk, deferred)
        byChunk.set(chunk, flight)
      }
      const handle: Flight = {
        signal: flight.controller.signal,
        carries: (chunk) => flight.pending.has(chunk),
        received() {
          flight.received = true
        },
        settle(chunk, result) {
          const deferred = flight.pending.get(chunk)
          forget(flight, chunk)
          deferred?.resolve(result)
        },
        reject(chunk, reason) {
          const deferred = flight.pending.get(chunk)
          forget(flight, chunk)
          deferred?.reject(reason)
        },
      }
      const run = work(handle).then(
        () => failAll(flight, new Error('a fetch ended without this chunk')),
        (reason: unknown) => failAll(flight, reason),
      )
      running.add(run)
      void run.finally(() => running.delete(run))
    },

    async wait(chunks, signal) {
      const flights = new Set<OpenFlight>()
      const results: Promise<readonly [number, ChunkResult]>[] = []
      for (const chunk of chunks) {
        const flight = byChunk.get(chunk)
        const deferred = flight?.pending.get(chunk)
        if (flight === undefined || deferred === undefined)
          throw new RangeError(`chunk ${chunk} is not in flight`)
        flights.add(flight)
        results.push(deferred.promise.then((result) => [chunk, result] as const))
      }
      for (const flight of flights) flight.waiters++
      try {
        const settled = await orAbort(Promise.all(results), signal)
        return new Map(
          settled.filter((entry): entry is readonly [number, Uint8Array] => entry[1] !== undefined),
        )
      } finally {
        const reason = signal?.aborted ? signal.reason : new Error('nobody waits for this fetch any more')
        for (const flight of flights) leave(flight, reason)
      }
    },

    async landAll(reason) {
      for (const flight of new Set(byChunk.values())) {
        // What has its bytes is stored first; only a unit that it would fetch once more is given up.
        if (!flight.received) failAll(flight, reason)
        flight.controller.abort(reason)
      }
      await Promise.all(running)
    },
  }
}

/** `work`, or the signal's reason if that comes first. */
async function orAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
    work.catch(() => {})
  }
}
