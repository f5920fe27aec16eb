// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Child, startChild } from './support/calls.ts'
import { fixtureListing, mountableFixtures } from './support/fixture.ts'
import { createMountpoint, describeMounted, removeMountpoints } from './support/mounts.ts'

type Line = Record<string, unknown>

/** When `times-*` was recorded: an mtime of 0 s and 5 ns was not recognised as the time of mounting there. */
const RECORDING_TIME = 1_795_514_414

describeMounted('mountRafs shows what the original showed', () => {
  let server: Child
  let viewer: Child
  beforeAll(() => {
    server = startChild('serve')
    viewer = startChild('look')
  })
  afterAll(() => {
    server.process.kill('SIGKILL')
    viewer.process.kill('SIGKILL')
    removeMountpoints()
  })

  /** The time of mounting is different each time: where the recording has it, any time since `from` is right. */
  function expectListing(found: readonly Line[], expected: readonly Line[], from: number): void {
    const now = Date.now() / 1000
    const comparable = found.map((line, index) => {
      const wanted = expected[index]?.mtime
      const isMountTime = wanted === 'mount-time' || wanted === RECORDING_TIME
      const shown = Number(line.mtime)
      return isMountTime && shown >= from && shown <= now ? { ...line, mtime: wanted } : line
    })
    expect(comparable).toEqual(expected)
  }

  const cases = mountableFixtures()
  it('has fixtures', () => expect(cases.length).toBeGreaterThan(50))

  for (const [index, fixture] of cases.entries()) {
    const mode = index % 2 === 0 ? 'ready' : 'lazy'
    it(`${fixture.id} (blobs ${mode})`, async () => {
      const mountpoint = createMountpoint()
      const mountedFrom = Math.floor(Date.now() / 1000)
      await server.call('mount', { fixture: fixture.id, mountpoint, mode, compatAttrs: true, workers: 2 })
      const found = await viewer.call<readonly Line[]>('list', mountpoint)
      expect(await server.call('failures', mountpoint)).toEqual([])
      await server.call('unmount', mountpoint)
      await server.call('closed', mountpoint)
      expectListing(found, fixtureListing(fixture), mountedFrom)
    })
  }
})
