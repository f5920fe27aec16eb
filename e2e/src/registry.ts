// SPDX-License-Identifier: Apache-2.0
/** Debian's `docker-registry` on a free loopback port. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { start, until } from './run.ts'

/** A running registry. */
export interface Registry {
  /** `127.0.0.1:PORT`, the registry part of a reference. */
  readonly host: string
  close(): Promise<void>
}

/** Starts a registry that keeps its content below `directory`. */
export async function startDockerRegistry(directory: string): Promise<Registry> {
  const port = await freePort()
  mkdirSync(directory, { recursive: true })
  const config = join(directory, 'config.yml')
  writeFileSync(
    config,
    [
      'version: 0.1',
      'log: {level: error, accesslog: {disabled: true}}',
      `storage: {filesystem: {rootdirectory: ${join(directory, 'data')}}, delete: {enabled: true}}`,
      `http: {addr: 127.0.0.1:${port}}`,
      '',
    ].join('\n'),
  )
  const child = start(['docker-registry', 'serve', config])
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  await until(() => canConnect(port), 'docker-registry listens')
  return {
    host: `127.0.0.1:${port}`,
    async close() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** A TCP proxy in front of `host` that counts the bytes that come back. */
export interface CountingProxy extends Registry {
  readonly bytes: () => number
  /** Answers with content so far (status 200 or 206). */
  readonly answers: () => number
}

/** Starts a counting proxy in front of the registry at `host`. */
export async function startCountingProxy(host: string): Promise<CountingProxy> {
  const [, targetPort] = host.split(':') as [string, string]
  let bytes = 0
  let answers = 0
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(targetPort), '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    upstream.on('data', (data) => {
      bytes += data.length
      if (/^HTTP\/1\.1 20[06] /.test(data.toString('latin1', 0, 16))) answers++
    })
    client.pipe(upstream)
    upstream.pipe(client)
  })
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
  return {
    host: `127.0.0.1:${port}`,
    bytes: () => bytes,
    answers: () => answers,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
