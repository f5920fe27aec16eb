// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os'
import { openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import {
  createRequestBuffer,
  handleRequest,
  NO_REPLY,
  type ReadRequest,
  type RequestTarget,
} from '../src/dispatch.ts'
import { OPCODE, WRITE_OPCODES } from '../src/protocol/opcodes.ts'
import { FuseInHeader } from '../src/protocol/structs.ts'
import { createRafsOps } from '../src/rafs-ops.ts'
import { createReplyBuffer } from '../src/reply-buffer.ts'
import { fixtureBootstrap } from './support/fixture.ts'
import { ask, name, range } from './support/requests.ts'

const { EROFS, ENOSYS, EINVAL, EIO } = constants.errno
const bootstrap = openBootstrap(fixtureBootstrap('tiny-tar-v6'))
const reads: ReadRequest[] = []
const target: RequestTarget = {
  ops: createRafsOps(bootstrap),
  read(request) {
    reads.push(request)
    return 5
  },
}

describe('handleRequest', () => {
  it('refuses everything that would write with EROFS', () => {
    expect(WRITE_OPCODES.size).toBe(16)
    for (const opcode of WRITE_OPCODES) expect(ask(target, opcode, 1, name('x')).result).toBe(-EROFS)
  })

  it('leaves opening, flushing and what it does not know to the kernel', () => {
    for (const opcode of [
      OPCODE.OPEN,
      OPCODE.OPENDIR,
      OPCODE.ACCESS,
      25 /* FLUSH */,
      39 /* IOCTL */,
      46 /* LSEEK */,
      4095,
    ]) {
      expect(ask(target, opcode, 1).result).toBe(-ENOSYS)
    }
  })

  it('does not answer what wants no answer', () => {
    for (const opcode of [OPCODE.FORGET, OPCODE.BATCH_FORGET, OPCODE.INTERRUPT]) {
      expect(ask(target, opcode, 1, new Uint8Array(16)).result).toBe(NO_REPLY)
    }
    expect(ask(target, OPCODE.DESTROY, 0).result).toBe(0)
  })

  it('passes offset and size of a READ on, with the nid of the root for nodeid 1', () => {
    expect(ask(target, OPCODE.READ, 1, range(2 ** 40 + 3, 4096)).result).toBe(5)
    expect(reads.pop()).toEqual({ nid: bootstrap.rootNid, offset: 2 ** 40 + 3, size: 4096 })
    ask(target, OPCODE.READ, 4711, range(0, 1))
    expect(reads.pop()?.nid).toBe(4711)
  })

  it('refuses cut arguments', () => {
    for (const opcode of [OPCODE.READ, OPCODE.READDIR, OPCODE.READDIRPLUS]) {
      expect(ask(target, opcode, 1, new Uint8Array(39)).result).toBe(-EINVAL)
    }
    expect(ask(target, OPCODE.GETXATTR, 1, new Uint8Array(7)).result).toBe(-EINVAL)
  })

  it('refuses a request whose length is not what arrived', () => {
    const request = createRequestBuffer()
    FuseInHeader.encodeInto(request.bytes, 0, { length: 41, opcode: OPCODE.GETATTR, nodeid: 1 })
    const reply = createReplyBuffer(200)
    expect(handleRequest(request, 40, target, reply)).toBe(-EIO)
    expect(handleRequest(request, 39, target, reply)).toBe(-EIO)
  })
})
