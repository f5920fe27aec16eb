// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants, openSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openFifoWriter, readFifo } from '../../src/nydus-image/fifo.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

const MAIN = fileURLToPath(new URL('../../src/nydus-image/main.ts', import.meta.url))

function fifo(name = 'fifo'): string {
  const path = join(temporaryDirectory(), name)
  execFileSync('mkfifo', [path])
  return path
}

/** A command in a process of its own: whether that ends is what is asked. */
function start(...argv: readonly string[]): {
  child: ChildProcess
  ended: Promise<{ status: number; stderr: string }>
} {
  const child = spawn(process.execPath, ['--conditions=@nydus/source', MAIN, ...argv], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stderr = ''
  child.stderr?.on('data', (piece) => {
    stderr += piece
  })
  const ended = once(child, 'close').then(([status]) => ({ status: status as number, stderr }))
  return { child, ended }
}

/** The writing side, kept open: no data comes and no end. */
function idleWriter(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
}

describe('a FIFO', () => {
  it('passes bytes on, the end included', async () => {
    const path = fifo()
    const { signal } = new AbortController()
    const read = async () => {
      const pieces = []
      for await (const piece of readFifo(path, signal)) pieces.push(Buffer.from(piece))
      return Buffer.concat(pieces)
    }
    const write = async () => {
      const writer = await openFifoWriter(path, signal)
      for (let i = 0; i < 10; i++) await writer.write(Buffer.alloc(100_000, i))
      await writer.close()
    }
    const [bytes] = await Promise.all([read(), write()])
    expect(bytes.length).toBe(1_000_000)
    expect(bytes.every((byte, i) => byte === Math.floor(i / 100_000))).toBe(true)
  })

  it.each(['read', 'write'] as const)('does not wait for the other side when %s is aborted', async (side) => {
    const abort = new AbortController()
    const reason = new Error('enough')
    const path = fifo()
    const waiting = side === 'read' ? readFifo(path, abort.signal).next() : openFifoWriter(path, abort.signal)
    setTimeout(() => abort.abort(reason), 20)
    await expect(waiting).rejects.toBe(reason)
  })

  it('tells that its reader went away', async () => {
    const path = fifo()
    const { signal } = new AbortController()
    const reader = readFifo(path, signal)
    const [writer] = await Promise.all([
      openFifoWriter(path, signal).then(async (opened) => {
        await opened.write(Buffer.from('x'))
        return opened
      }),
      reader.next(),
    ])
    await reader.return()
    await expect(writer.write(Buffer.alloc(1_000_000))).rejects.toMatchObject({ code: 'EPIPE' })
    await writer.close()
  })
})

describe('a command that fails or is interrupted', () => {
  it('ends though the writer of its source neither writes nor closes', async () => {
    const path = fifo('source')
    const blob = join(temporaryDirectory(), 'blob')
    const { child, ended } = start('create', '-t', 'tar-rafs', '-B', `${blob}.boot`, '-b', blob, path)
    const fd = idleWriter(path)
    // Until it has seen enough of what is no tar.
    while (child.exitCode === null) {
      try {
        writeSync(fd, Buffer.alloc(65_536, 'no tar'))
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 5)) // it is full
      }
    }
    const { status, stderr } = await ended
    expect(stderr).toContain('(ERR_BUILD_BAD_TAR)')
    expect(status).toBe(1)
    expect(readdirSync(join(blob, '..'))).toEqual([])
  })

  it.each(['source', 'blob'])('SIGINT ends the wait for the other side of a FIFO: %s', async (side) => {
    const directory = temporaryDirectory()
    const path = (name: string) => join(directory, name)
    execFileSync('mkfifo', [path('source'), path('blob')])
    const other = side === 'source' ? path('blob.file') : path('blob')
    const source = side === 'source' ? path('source') : MAIN
    const { child, ended } = start('create', '-t', 'tar-rafs', '-B', path('boot'), '-b', other, source)
    await new Promise((resolve) => setTimeout(resolve, 700))
    child.kill('SIGINT')
    expect(await ended).toEqual({ status: 130, stderr: 'Error: interrupted by SIGINT (ERR_INTERRUPTED)\n' })
    expect(readdirSync(directory).sort()).toEqual(['blob', 'source'])
  })
})
