// SPDX-License-Identifier: Apache-2.0
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CLOEXEC, EPOLL, libc } from '../src/libc.ts'
import { startChild } from './support/calls.ts'

const directory = mkdtempSync(join(tmpdir(), 'libc-'))
afterAll(() => rmSync(directory, { recursive: true }))

describe.runIf(process.platform === 'linux')('libc', () => {
  it('reports errno of a failed call', () => {
    expect(libc().umount2(join(directory, 'none'), 0)).toBe(-1)
    // ENOENT; without root EPERM, where the kernel looks at that first.
    expect(process.geteuid?.() === 0 ? [2] : [1, 2]).toContain(libc().errno())
  })

  it('reads at an offset into a part of a buffer', () => {
    const fd = openSync(join(directory, 'file'), 'w+')
    writeSync(fd, '0123456789')
    const buffer = new Uint8Array(6).fill(0x2e)
    expect(libc().pread(fd, buffer.subarray(2), 3, 4)).toBe(3)
    expect(Buffer.from(buffer).toString()).toBe('..456.')
    expect(libc().pread(fd, buffer, 6, 8)).toBe(2)
    closeSync(fd)
  })

  it('wakes an epoll wait through an eventfd', () => {
    const { epollCreate, epollAdd, epollWait, eventfd } = libc()
    const event = eventfd(0, CLOEXEC)
    const epoll = epollCreate(CLOEXEC)
    expect(epollAdd(epoll, event, EPOLL.IN)).toBe(0)
    expect(epollWait(epoll, 0)).toBe(0)
    writeSync(event, new BigUint64Array([1n]))
    expect(epollWait(epoll, 10_000)).toBe(1)
    closeSync(event)
    closeSync(epoll)
  })

  it('finds no descriptor in a socket without a message', () => {
    const { socketpair, receiveDescriptor, setNonBlocking } = libc()
    const pair = socketpair()
    expect(pair).toBeDefined()
    if (pair === undefined) return
    writeSync(pair[1], 'x')
    expect(receiveDescriptor(pair[0])).toBe(-1)
    setNonBlocking(pair[0])
    expect(() => readSync(pair[0], new Uint8Array(1))).toThrow('EAGAIN')
    for (const fd of pair) closeSync(fd)
  })
})

describe('without koffi', () => {
  it('says what is missing and what to do', async () => {
    const server = startChild('serve', { preload: 'without-koffi' })
    const attempt = { fixture: 'tiny-tar-v6', mountpoint: directory, mode: 'ready', transport: 'dev-fuse' }
    await expect(server.call('mount', attempt)).rejects.toMatchObject({
      code: 'ERR_FUSE_BINDING_MISSING',
      message: expect.stringContaining(`${process.platform}-${process.arch}`),
      hint: expect.stringContaining('install'),
    })
    server.process.kill('SIGKILL')
  })
})
