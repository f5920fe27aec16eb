// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { createDeviceOps } from '../../src/devices/device-ops.ts'
import { createDeviceTable, nodeidOfName } from '../../src/devices/device-table.ts'
import { OPCODE } from '../../src/protocol/opcodes.ts'
import { FuseAttr, FuseAttrOut, FuseEntryOut, FuseOpenOut } from '../../src/protocol/structs.ts'
import { ask, name } from '../support/requests.ts'

const { ENOENT, EROFS } = constants.errno

function createTarget() {
  const devices = createDeviceTable()
  devices.add({ nodeid: 12, size: 8192, content: undefined, readableBytes: 8192 })
  const uses: string[] = []
  const ops = createDeviceOps(devices, (kind, nodeid) => uses.push(`${kind} ${nodeid}`))
  return { devices, uses, target: { ops, read: () => 0 } }
}

describe('the directory of blob devices', () => {
  it('finds a device by its number and shows a file for its owner only', () => {
    const { target } = createTarget()
    const { result, payload } = ask(target, OPCODE.LOOKUP, 1, name('12'))
    expect(result).toBe(FuseEntryOut.size + FuseAttr.size)
    expect(FuseEntryOut.decode(payload, 0).nodeid).toBe(12)
    expect(FuseAttr.decode(payload, FuseEntryOut.size)).toMatchObject({ mode: 0o100400, size: 8192, ino: 12 })
  })

  it.each(['13', 'x', '', '1e1', '99999999999', '-1'])('has no %j', (text) => {
    expect(ask(createTarget().target, OPCODE.LOOKUP, 1, name(text)).result).toBe(-ENOENT)
  })

  it('has a root and no attributes of what is gone', () => {
    const { target, devices } = createTarget()
    const { payload } = ask(target, OPCODE.GETATTR, 1)
    expect(FuseAttr.decode(payload, FuseAttrOut.size).mode).toBe(0o040500)
    expect(ask(target, OPCODE.GETATTR, 12).result).toBeGreaterThan(0)
    devices.remove(12)
    expect(ask(target, OPCODE.GETATTR, 12).result).toBe(-ENOENT)
    expect(ask(target, OPCODE.OPEN, 12).result).toBe(-ENOENT)
  })

  it('tells of opens and releases, and refuses to write', () => {
    const { target, uses } = createTarget()
    expect(ask(target, OPCODE.OPEN, 12).result).toBe(FuseOpenOut.size)
    expect(ask(target, OPCODE.RELEASE, 12).result).toBe(0)
    expect(uses).toEqual(['opened 12', 'released 12'])
    expect(ask(target, OPCODE.WRITE, 12).result).toBe(-EROFS)
  })
})

describe('nodeidOfName', () => {
  it('reads decimal numbers of 32 bits', () => {
    expect(nodeidOfName(Buffer.from('4294967295'))).toBe(4_294_967_295)
    expect(nodeidOfName(Buffer.from('4294967296'))).toBeUndefined()
  })
})
