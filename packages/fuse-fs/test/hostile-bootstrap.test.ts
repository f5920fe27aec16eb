// SPDX-License-Identifier: Apache-2.0
/** Damaged bootstraps: whatever is asked, the answer is a result or a coded error, and the walk ends. */
import { isNydusError } from '@nydus/base/error'
import { type Bootstrap, openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { createBlobViews } from '../src/blob-views.ts'
import type { RequestTarget } from '../src/dispatch.ts'
import { OPCODE } from '../src/protocol/opcodes.ts'
import { FuseAttr, FuseDirent, FuseEntryOut } from '../src/protocol/structs.ts'
import { createRafsOps } from '../src/rafs-ops.ts'
import { MISS, readReady } from '../src/read-ready.ts'
import { fixtureBootstrap } from './support/fixture.ts'
import { type Answer, ask, askXattr, name, range } from './support/requests.ts'

const HEAD_BYTES = FuseEntryOut.size + FuseAttr.size
/** Nodes visited at most; damaged directories can name each other for ever. */
const MAX_NODES = 100

function open(bootstrap: Bootstrap): RequestTarget {
  const source = { bootstrap, views: createBlobViews(), readAt: () => -1 }
  return { ops: createRafsOps(bootstrap), read: (request, out) => readReady(source, request, out) }
}

/** Runs a request; undefined if it gave a coded error. Any other error fails the test. */
function attempt(run: () => Answer): Answer | undefined {
  try {
    return run()
  } catch (error) {
    if (isNydusError(error)) return undefined
    throw error
  }
}

/** nodeids and names in a READDIRPLUS reply. */
function entriesOf(payload: Uint8Array): { nodeid: number; name: Uint8Array }[] {
  const entries = []
  for (let at = 0; at < payload.length; ) {
    const { nameLength } = FuseDirent.decode(payload, at + HEAD_BYTES)
    const nameAt = at + HEAD_BYTES + FuseDirent.size
    entries.push({
      nodeid: FuseEntryOut.decode(payload, at).nodeid,
      name: payload.subarray(nameAt, nameAt + nameLength),
    })
    at = Math.ceil((nameAt + nameLength) / 8) * 8
  }
  return entries
}

/** Asks everything about everything that can be found. Returns how many nodes there were. */
function askAll(target: RequestTarget): number {
  const seen = new Set([1])
  for (const nodeid of seen) {
    if (seen.size > MAX_NODES) break
    attempt(() => ask(target, OPCODE.GETATTR, nodeid))
    attempt(() => ask(target, OPCODE.READLINK, nodeid))
    attempt(() => askXattr(target, nodeid, 0))
    attempt(() => askXattr(target, nodeid, 65_536))
    attempt(() => askXattr(target, nodeid, 65_536, 'user.k'))
    const read = attempt(() => ask(target, OPCODE.READ, nodeid, range(0, 1 << 20)))
    expect(read === undefined || read.result === 0 || read.result === MISS).toBe(true)
    const listing = attempt(() => ask(target, OPCODE.READDIRPLUS, nodeid, range(0, 1 << 20)))
    for (const entry of entriesOf(listing?.payload ?? new Uint8Array(0))) {
      attempt(() => ask(target, OPCODE.LOOKUP, nodeid, name(entry.name)))
      if (entry.nodeid !== 0) seen.add(entry.nodeid)
    }
  }
  return seen.size
}

describe('damaged bootstraps', () => {
  it('finds everything in one that is whole', () => {
    expect(askAll(open(openBootstrap(fixtureBootstrap('types-tar-v6'))))).toBeGreaterThan(25)
  })

  for (const id of ['types-tar-v6', 'xattrs-tar-v6', 'tiny-tar-v6']) {
    it(`gives results or coded errors for each damaged byte of ${id}`, () => {
      const whole = fixtureBootstrap(id)
      const { metaOffset } = openBootstrap(whole)
      let opened = 0
      for (let at = 1024; at < whole.length; at += at < metaOffset + 4096 ? 29 : 17) {
        if (whole[at] === 0 && at % 3 !== 0) continue
        const damaged = Uint8Array.from(whole)
        damaged[at] = (damaged[at] ?? 0) ^ (at % 2 === 0 ? 0xff : 1 << (at % 8))
        attempt(() => {
          const target = open(openBootstrap(damaged))
          opened += 1
          askAll(target)
          return { result: 0, payload: damaged }
        })
      }
      expect(opened).toBeGreaterThan(50)
    })
  }
})
