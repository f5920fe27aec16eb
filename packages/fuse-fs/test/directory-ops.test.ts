// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os'
import { lookupEntry, openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import type { RequestTarget } from '../src/dispatch.ts'
import { OPCODE } from '../src/protocol/opcodes.ts'
import { FuseAttr, FuseDirent, FuseEntryOut } from '../src/protocol/structs.ts'
import { createRafsOps, type RafsOps } from '../src/rafs-ops.ts'
import { fixtureBootstrap } from './support/fixture.ts'
import { ask, name, range } from './support/requests.ts'

const ENTRY_BYTES = FuseEntryOut.size + FuseAttr.size
const open = (id: string): RequestTarget & { readonly ops: RafsOps } => ({
  ops: createRafsOps(openBootstrap(fixtureBootstrap(id))),
  read: () => 0,
})

interface Listed {
  readonly name: string
  readonly nodeid: number | undefined
  readonly ino: number
  readonly type: number
  readonly cookie: number
}

/** Takes a reply apart; `headBytes` is 0 for READDIR. */
function parse(payload: Uint8Array, headBytes: number): readonly Listed[] {
  const entries: Listed[] = []
  for (let at = 0; at < payload.length; ) {
    const dirent = FuseDirent.decode(payload, at + headBytes)
    const nameAt = at + headBytes + FuseDirent.size
    entries.push({
      name: Buffer.from(payload.subarray(nameAt, nameAt + dirent.nameLength)).toString('latin1'),
      nodeid: headBytes > 0 ? FuseEntryOut.decode(payload, at).nodeid : undefined,
      ino: dirent.ino,
      type: dirent.type,
      cookie: dirent.offset,
    })
    const end = nameAt + dirent.nameLength
    at = Math.ceil(end / 8) * 8
    expect(payload.subarray(end, at).every((byte) => byte === 0)).toBe(true)
  }
  return entries
}

/** Lists a directory with replies of at most `size` bytes. */
function listAll(target: RequestTarget, opcode: number, nodeid: number, size: number): readonly Listed[] {
  const headBytes = opcode === OPCODE.READDIRPLUS ? ENTRY_BYTES : 0
  const entries: Listed[] = []
  for (;;) {
    const { result, payload } = ask(target, opcode, nodeid, range(entries.at(-1)?.cookie ?? 0, size))
    expect(result).toBeLessThanOrEqual(size)
    if (result === 0) return entries
    entries.push(...parse(payload, headBytes))
  }
}

describe('readdir', () => {
  const types = open('types-tar-v6')

  it('gives every kind of file its type', () => {
    const entries = listAll(types, OPCODE.READDIR, 1, 65_536)
    const typeOf = (wanted: string) => entries.find((entry) => entry.name === wanted)?.type
    const wanted = { '.': 4, '..': 4, d1: 4, top: 8, abs: 10, fifo: 1, 'chr-null': 2, blk: 6 }
    for (const [text, type] of Object.entries(wanted)) expect(typeOf(text), text).toBe(type)
  })

  it('gives the same entries however small the buffer is', () => {
    for (const opcode of [OPCODE.READDIR, OPCODE.READDIRPLUS]) {
      const whole = listAll(types, opcode, 1, 1 << 20)
      expect(whole.length).toBeGreaterThan(20)
      for (const size of [184, 200, 333, 4096])
        expect(listAll(types, opcode, 1, size), `${size}`).toEqual(whole)
    }
  })

  it('gives nothing where not even one entry fits', () => {
    expect(ask(types, OPCODE.READDIR, 1, range(0, 31)).result).toBe(0)
    expect(ask(types, OPCODE.READDIRPLUS, 1, range(0, 159)).result).toBe(0)
  })

  it('gives nothing behind the last cookie', () => {
    expect(ask(types, OPCODE.READDIR, 1, range(2 ** 40, 4096)).result).toBe(0)
  })

  it('refuses what is no directory', () => {
    const nid = lookupEntry(types.ops.bootstrap, types.ops.bootstrap.rootNid, Buffer.from('top'))?.nid ?? 0
    expect(ask(types, OPCODE.READDIR, nid, range(0, 4096)).result).toBe(-constants.errno.ENOTDIR)
  })
})

describe('readdirplus', () => {
  it('gives the attributes that lookup gives, and none for the dots', () => {
    const many = open('many-tar-v6')
    const nodeid = FuseEntryOut.decode(ask(many, OPCODE.LOOKUP, 1, name('many')).payload).nodeid || 1
    const { payload } = ask(many, OPCODE.READDIRPLUS, nodeid, range(0, 1 << 20))
    const entries = parse(payload, ENTRY_BYTES)
    expect(entries.length).toBeGreaterThan(2)
    let at = 0
    for (const entry of entries) {
      const isDots = entry.name === '.' || entry.name === '..'
      const head = payload.subarray(at, at + ENTRY_BYTES)
      if (isDots) expect(head.every((byte) => byte === 0)).toBe(true)
      else
        expect(head).toEqual(
          ask(many, OPCODE.LOOKUP, nodeid, name(Buffer.from(entry.name, 'latin1'))).payload,
        )
      at += Math.ceil((ENTRY_BYTES + FuseDirent.size + entry.name.length) / 8) * 8
    }
  })
})
