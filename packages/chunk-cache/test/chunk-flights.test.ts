// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createChunkFlights, type Flight } from '../src/chunk-flights.ts'

/** Starts a flight that a test steers by hand. */
function steered(
  flights: ReturnType<typeof createChunkFlights>,
  chunks: readonly number[],
): Flight & { land(): void } {
  const landed = Promise.withResolvers<void>()
  let handle: Flight | undefined
  flights.start(chunks, (flight) => {
    handle = flight
    return landed.promise
  })
  if (handle === undefined) throw new Error('not started')
  return { ...handle, land: landed.resolve }
}

describe('chunk flights', () => {
  it('wakes everyone who waits for a chunk, chunk by chunk', async () => {
    const flights = createChunkFlights()
    const flight = steered(flights, [4, 5])
    const one = flights.wait([4], undefined)
    const both = flights.wait([4, 5], undefined)
    flight.settle(4, undefined)
    expect(await one).toEqual(new Map())
    expect([flights.has(4), flights.has(5)]).toEqual([false, true])
    flight.settle(5, Uint8Array.of(1))
    expect(await both).toEqual(new Map([[5, Uint8Array.of(1)]]))
    flight.land()
  })

  it('is aborted only when the last waiter leaves', async () => {
    const flights = createChunkFlights()
    const flight = steered(flights, [1])
    const [first, second] = [new AbortController(), new AbortController()]
    const waits = [flights.wait([1], first.signal), flights.wait([1], second.signal)]
    first.abort(new Error('first'))
    await expect(waits[0]).rejects.toThrow('first')
    expect(flight.signal.aborted).toBe(false)
    second.abort(new Error('second'))
    await expect(waits[1]).rejects.toThrow('second')
    expect(flight.signal.aborted).toBe(true)
    expect(flights.has(1)).toBe(false)
    flight.land()
  })

  it('is finished without waiters once its bytes are here', async () => {
    const flights = createChunkFlights()
    const flight = steered(flights, [1])
    const abort = new AbortController()
    const wait = flights.wait([1], abort.signal)
    flight.received()
    abort.abort(new Error('too late'))
    await expect(wait).rejects.toThrow('too late')
    expect(flight.signal.aborted).toBe(false)
    expect(flights.has(1)).toBe(true)
    flight.settle(1, undefined)
    flight.land()
  })

  it('fails those who wait when its work fails', async () => {
    const flights = createChunkFlights()
    flights.start([1, 2], () => Promise.reject(new Error('no network')))
    await expect(flights.wait([1], undefined)).rejects.toThrow('no network')
    expect(flights.has(2)).toBe(false)
  })

  it('ends flights on request, but lets those finish that have their bytes', async () => {
    const flights = createChunkFlights()
    flights.start(
      [1],
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    const wait = flights.wait([1], undefined)
    const flight = steered(flights, [2])
    flight.received()
    const landed = flights.landAll(new Error('closing'))
    await expect(wait).rejects.toThrow('closing')
    expect([flight.carries(2), flight.signal.aborted]).toEqual([true, true])
    flight.settle(2, undefined)
    flight.land()
    await landed
  })
})
