// SPDX-License-Identifier: Apache-2.0
/**
 * Entry of a FUSE worker thread: waits for requests, answers them from the bootstrap and from decoded blob files, and
 * posts to the main thread only what has to be fetched.
 *
 * The loop never returns to the event loop of its thread; it takes its messages by asking for them. It waits in
 * epoll_wait(2) and not in read(2), because a thread that is stuck in a system call keeps process.exit() from ending
 * the process: the stop descriptor wakes it.
 */
import {
  isMainThread,
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  workerData,
} from 'node:worker_threads'
import { describeError } from '@nydus/base/error'
import { openBootstrap } from '@nydus/rafs-format'
import { type BlobViews, createBlobViews } from './blob-views.ts'
import {
  createRequestBuffer,
  handleRequest,
  NO_REPLY,
  type RequestBuffer,
  type RequestTarget,
} from './dispatch.ts'
import { ERRNO, errnoOf } from './errno.ts'
import { CLOEXEC, EPOLL, type Libc, libc, WAIT_FOR_EVER } from './libc.ts'
import { OPCODE, opcodeName } from './protocol/opcodes.ts'
import { FuseInHeader, FuseReadIn } from './protocol/structs.ts'
import { createRafsOps } from './rafs-ops.ts'
import { MISS, readReady } from './read-ready.ts'
import { createReplyBuffer, finishReply, getInteger64, type ReplyBuffer } from './reply-buffer.ts'
import {
  COUNTER,
  type InboxMessage,
  SHARED,
  type WorkerMessage,
  type WorkerSetup,
} from './worker-protocol.ts'

const HEADER = FuseInHeader.offsets

/** Everything that the loop works with. */
interface WorkerState {
  readonly setup: WorkerSetup
  readonly port: MessagePort
  readonly calls: Libc
  readonly views: BlobViews
  readonly target: RequestTarget
  readonly request: RequestBuffer
  readonly reply: ReplyBuffer
}

function start(port: MessagePort, setup: WorkerSetup): void {
  const calls = libc()
  const views = createBlobViews()
  const bootstrap = openBootstrap(setup.bootstrap)
  const ops = createRafsOps(bootstrap, setup.compat === undefined ? {} : { compat: setup.compat })
  const source = { bootstrap, views, readAt: calls.pread }
  const target: RequestTarget = { ops, read: (request, out) => readReady(source, request, out) }
  const epoll = watch(calls, setup)
  const state = {
    setup,
    port,
    calls,
    views,
    target,
    request: createRequestBuffer(),
    reply: createReplyBuffer(),
  }
  post(state, { kind: 'ready' })
  try {
    serve(state, epoll)
  } finally {
    calls.close(epoll)
  }
}

/** The stop descriptor wakes every worker, a request only one of them. */
function watch(calls: Libc, setup: WorkerSetup): number {
  const epoll = calls.epollCreate(CLOEXEC)
  const added =
    calls.epollAdd(epoll, setup.fuseFd, EPOLL.IN | EPOLL.EXCLUSIVE) === 0 &&
    calls.epollAdd(epoll, setup.stopFd, EPOLL.IN) === 0
  if (added) return epoll
  throw new Error(`epoll cannot watch the FUSE connection: errno ${calls.errno()}`)
}

function serve(state: WorkerState, epoll: number): void {
  const { setup, calls, request } = state
  let viewsSeen = 0
  while (Atomics.load(setup.shared, SHARED.STOP) === 0) {
    const length = calls.read(setup.fuseFd, request.bytes, request.bytes.length)
    if (length > 0) {
      const viewsPosted = Atomics.load(setup.shared, SHARED.VIEWS)
      if (viewsPosted !== viewsSeen) {
        takeViews(state)
        viewsSeen = viewsPosted
      }
      answer(state, length)
      continue
    }
    const errno = calls.errno()
    if (errno === ERRNO.EAGAIN) calls.epollWait(epoll, WAIT_FOR_EVER)
    else if (errno !== ERRNO.ENOENT && errno !== ERRNO.EINTR) {
      post(state, { kind: 'gone', errno })
      return
    }
  }
}

function takeViews(state: WorkerState): void {
  let received = receiveMessageOnPort(state.port)
  while (received !== undefined) {
    state.views.add(received.message as InboxMessage)
    received = receiveMessageOnPort(state.port)
  }
}

function answer(state: WorkerState, length: number): void {
  const { request, reply, setup } = state
  const { counters } = setup
  const opcode = request.view.getUint32(HEADER.opcode, true)
  counters[COUNTER.REQUESTS] = (counters[COUNTER.REQUESTS] ?? 0) + 1
  let result: number
  try {
    result = handleRequest(request, length, state.target, reply)
  } catch (error) {
    result = -reportFailure(state, opcode, error)
  }
  if (opcode === OPCODE.READ && (result >= 0 || result === MISS)) countRead(counters, result)
  if (result === NO_REPLY) return
  if (result === MISS) postMiss(state)
  else sendReply(state, result)
}

/** The kernel drops an answer it no longer wants (ENOENT), and a connection that is gone shows on the next read. */
function sendReply({ request, reply, setup, calls }: WorkerState, result: number): void {
  const uniqueLow = request.view.getUint32(HEADER.unique, true)
  const uniqueHigh = request.view.getUint32(HEADER.unique + 4, true)
  calls.write(setup.fuseFd, reply.bytes, finishReply(reply, result, uniqueLow, uniqueHigh))
}

function countRead(counters: Float64Array, result: number): void {
  counters[COUNTER.READS] = (counters[COUNTER.READS] ?? 0) + 1
  if (result === MISS) counters[COUNTER.MISSES] = (counters[COUNTER.MISSES] ?? 0) + 1
  else counters[COUNTER.READ_BYTES] = (counters[COUNTER.READ_BYTES] ?? 0) + result
}

function postMiss(state: WorkerState): void {
  const { view } = state.request
  const argument = FuseInHeader.size
  post(state, {
    kind: 'miss',
    uniqueLow: view.getUint32(HEADER.unique, true),
    uniqueHigh: view.getUint32(HEADER.unique + 4, true),
    nid: state.target.ops.nidOf(getInteger64(view, HEADER.nodeid)),
    offset: getInteger64(view, argument + FuseReadIn.offsets.offset),
    size: view.getUint32(argument + FuseReadIn.offsets.size, true),
  })
}

/** Tells the main thread, and returns the errno to answer with. */
function reportFailure(state: WorkerState, opcode: number, error: unknown): number {
  const { counters } = state.setup
  counters[COUNTER.FAILURES] = (counters[COUNTER.FAILURES] ?? 0) + 1
  const errno = errnoOf(error)
  const nid = state.target.ops.nidOf(getInteger64(state.request.view, HEADER.nodeid))
  post(state, { kind: 'failure', operation: opcodeName(opcode), nid, errno, message: describeError(error) })
  return errno
}

function post(state: { readonly port: MessagePort }, message: WorkerMessage): void {
  state.port.postMessage(message)
}

if (!isMainThread && parentPort !== null) start(parentPort, workerData as WorkerSetup)
