// SPDX-License-Identifier: Apache-2.0
import { existsSync, linkSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startApiServer } from '../../src/api/server.ts'
import { call } from '../nydusd-process.ts'
import { testPorts } from './ports.ts'

const ports = testPorts([])

function socketPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'api-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'api.sock')
}

async function started(path: string) {
  const server = await startApiServer(path, ports)
  onTestFinished(() => server.close())
  return server
}

/** Sends bytes and gives what comes back within a moment. */
async function raw(path: string, ...pieces: string[]): Promise<string> {
  const socket = connect(path)
  let received = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text
  })
  for (const piece of pieces) {
    socket.write(piece)
    await delay(20)
  }
  for (let i = 0; i < 100 && received === ''; i++) await delay(10)
  socket.destroy()
  return received
}

describe('the API server', () => {
  it('answers with the bytes that clients of the original know', async () => {
    const path = socketPath()
    await started(path)
    const body = JSON.stringify(ports.info())
    expect(await raw(path, 'GET /api/v1/daemon HTTP/1.1\r\nHost: unix\r\n\r\n')).toBe(
      `HTTP/1.1 200 \r\nServer: Nydus API\r\nConnection: keep-alive\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    expect(
      await raw(
        path,
        'PUT /api/v1/daemon HTTP/1.1\r\nHost: unix\r\nContent-Length: 20\r\n\r\n{"log_level":"info"}',
      ),
    ).toBe('HTTP/1.1 204 \r\nServer: Nydus API\r\nConnection: keep-alive\r\n\r\n')
  })

  it('takes a request in pieces', async () => {
    const path = socketPath()
    await started(path)
    const reply = await raw(
      path,
      'PUT /api/v1/daemon HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n',
      '{"log_level":',
      '"info"}',
    )
    expect(reply).toMatch(/^HTTP\/1.1 204 /)
  })

  it('takes a request without Host, and none in chunks', async () => {
    const path = socketPath()
    await started(path)
    expect(await raw(path, 'GET /api/v1/daemon HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /)
    const chunked = 'PUT /api/v1/daemon HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(await raw(path, `${chunked}14\r\n{"log_level":"info"}\r\n0\r\n\r\n`)).toMatch(/^HTTP\/1.1 400 /)
  })

  it('sends what happens after a reply, and exposition as it is', async () => {
    const path = socketPath()
    const exits: string[] = []
    const server = await startApiServer(path, testPorts([], { exit: () => void exits.push('exit') }))
    onTestFinished(() => server.close())
    expect((await call(path, 'PUT', '/api/v1/daemon/exit')).status).toBe(204)
    await expect.poll(() => exits).toEqual(['exit'])
    expect(await call(path, 'GET', '/metrics')).toMatchObject({
      status: 200,
      body: expect.stringContaining('# TYPE nydusd_mounts gauge'),
    })
  })

  it('answers errors as JSON', async () => {
    const path = socketPath()
    await started(path)
    expect(await call(path, 'GET', '/nope')).toMatchObject({
      status: 404,
      body: '{"code":"UNDEFINED","message":"NoRoute"}',
    })
    expect(await call(path, 'DELETE', '/api/v1/daemon')).toMatchObject({ status: 400 })
    expect(await call(path, 'PUT', '/api/v1/daemon', 'x'.repeat(60_000))).toMatchObject({ status: 400 })
    expect(await raw(path, '\x00\x01\x02 nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
  })

  it('keeps many idle connections and still answers', async () => {
    const path = socketPath()
    await started(path)
    const idle = Array.from({ length: 300 }, () => connect(path))
    const closed = idle.map((socket) => new Promise<void>((resolve) => socket.once('close', resolve)))
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
    expect((await call(path, 'GET', '/api/v1/daemon')).status).toBe(200)
    expect(idle.every((socket) => !socket.destroyed)).toBe(true)
    for (const socket of idle) socket.destroy()
    await Promise.all(closed)
  })

  it('tells clients by closing their connections that it ends, and removes its socket', async () => {
    const path = socketPath()
    const server = await startApiServer(path, ports)
    const client = connect(path)
    const ended = new Promise((resolve) => client.once('close', resolve))
    await new Promise((resolve) => client.once('connect', resolve))
    await server.close()
    await ended
    expect(existsSync(path)).toBe(false)
  })

  it('leaves a socket alone that somebody else has put in its place', async () => {
    const path = socketPath()
    const ours = await startApiServer(path, ports)
    rmSync(path)
    await started(path)
    await ours.close()
    expect((await call(path, 'GET', '/api/v1/daemon')).status).toBe(200)
  })

  it('takes over a socket that nobody listens on', async () => {
    const path = socketPath()
    const dead = createServer().listen(path)
    await new Promise((resolve) => dead.once('listening', resolve))
    const { ino } = statSync(path)
    // Node would remove the file on close, a killed daemon does not.
    linkSync(path, `${path}.left`)
    await new Promise((resolve) => dead.close(resolve))
    renameSync(`${path}.left`, path)
    expect(statSync(path).ino).toBe(ino)
    await started(path)
    expect((await call(path, 'GET', '/api/v1/daemon')).status).toBe(200)
  })

  it('refuses the socket of a living daemon, and files', async () => {
    const path = socketPath()
    await started(path)
    await expect(startApiServer(path, ports)).rejects.toThrow('belongs to a running daemon')
    const file = `${path}.txt`
    writeFileSync(file, 'mine')
    await expect(startApiServer(file, ports)).rejects.toThrow('is not a socket')
    expect(existsSync(file)).toBe(true)
    await expect(startApiServer(`/no/such/dir/x.sock`, ports)).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
    })
    await expect(startApiServer(`/tmp/${'x'.repeat(120)}`, ports)).rejects.toThrow('more than 107 bytes')
  })
})
