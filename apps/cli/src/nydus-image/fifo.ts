// SPDX-License-Identifier: Apache-2.0
/**
 * FIFOs without threads that wait in the kernel: Node's file calls would keep the process from ending for as long as the
 * other side neither writes nor closes.
 */
import { close, closeSync, constants, open, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { promisify } from 'node:util'

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants

/** The writing side of a FIFO. */
export interface FifoWriter {
  /** Fulfilled when the bytes are in the FIFO. @throws EPIPE when the reader went away. */
  write(bytes: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** What comes out of a FIFO until every writer has closed it; waits for the first one. */
export async function* readFifo(
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const fd = await openWaiting(path, 'read', signal)
  const socket = new Socket({ fd, readable: true, writable: false })
  const stop = () => socket.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const piece of socket) yield piece as Uint8Array
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', stop)
    socket.destroy()
  }
}

/** Waits for a reader. */
export async function openFifoWriter(path: string, signal: AbortSignal): Promise<FifoWriter> {
  const fd = await openWaiting(path, 'write', signal)
  const socket = new Socket({ fd, readable: false, writable: true })
  socket.on('error', () => undefined) // the write that is under way is told
  const stop = () => socket.destroy()
  signal.addEventListener('abort', stop, { once: true })
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => (error ? reject(signal.aborted ? signal.reason : error) : resolve()))
      }),
    async close() {
      signal.removeEventListener('abort', stop)
      if (socket.destroyed) return
      await new Promise<void>((resolve) => {
        socket.once('close', () => resolve())
        socket.end(() => socket.destroy())
      })
    },
  }
}

/** Opening waits in a thread for the other side; an abort stands in for that side, so that the thread is free again. */
async function openWaiting(path: string, side: 'read' | 'write', signal: AbortSignal): Promise<number> {
  signal.throwIfAborted()
  const release = () => {
    try {
      closeSync(openSync(path, (side === 'read' ? O_WRONLY : O_RDONLY) | O_NONBLOCK))
    } catch {
      // Nobody waits any more.
    }
  }
  signal.addEventListener('abort', release, { once: true })
  try {
    const fd = await promisify(open)(path, side === 'read' ? O_RDONLY : O_WRONLY)
    if (!signal.aborted) return fd
    await promisify(close)(fd)
    throw signal.reason
  } finally {
    signal.removeEventListener('abort', release)
  }
}
