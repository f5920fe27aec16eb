// SPDX-License-Identifier: Apache-2.0
/** Reads the kernel's INIT from a fresh connection and answers it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createRequestBuffer } from './dispatch.ts'
import { ERRNO } from './errno.ts'
import { FuseError } from './fuse-error.ts'
import { libc } from './libc.ts'
import { type Negotiation, negotiate } from './protocol/init.ts'

const DEADLINE_MS = 10_000
const POLL_MS = 2

/**
 * Negotiates on a non-blocking descriptor. The kernel queues INIT while it mounts, so normally there is nothing to wait for.
 * @throws {FuseError} ERR_FUSE_PROTOCOL when no INIT arrives within ten seconds or the kernel is too old.
 */
export async function exchangeInit(fd: number, signal?: AbortSignal): Promise<Negotiation> {
  const request = await readRequest(fd, signal)
  const { negotiation, reply } = negotiate(request)
  const { write, errno } = libc()
  if (write(fd, reply, reply.length) === reply.length) return negotiation
  throw new FuseError('ERR_FUSE_PROTOCOL', `the kernel did not take the answer to INIT: errno ${errno()}`)
}

async function readRequest(fd: number, signal?: AbortSignal): Promise<Uint8Array> {
  const { bytes } = createRequestBuffer()
  const { read, errno } = libc()
  for (let waitedMs = 0; waitedMs < DEADLINE_MS; waitedMs += POLL_MS) {
    const length = read(fd, bytes, bytes.length)
    if (length > 0) return bytes.subarray(0, length)
    const failure = errno()
    if (failure !== ERRNO.EAGAIN && failure !== ERRNO.EINTR) {
      throw new FuseError('ERR_FUSE_PROTOCOL', `the FUSE connection ended before INIT: errno ${failure}`)
    }
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal })
  }
  throw new FuseError('ERR_FUSE_PROTOCOL', `no INIT from the kernel within ${DEADLINE_MS} ms`)
}
