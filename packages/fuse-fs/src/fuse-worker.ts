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
import { createDeviceOps } from './devices/device-ops.ts'
import { createDeviceTable, type DeviceTable } from './devices/device-table.ts'
import { readDevice } from './devices/read-device.ts'
import {
  createRequestBuffer,
  handleRequest,
  NO_REPLY,
  type RequestBuffer,
  type RequestTarget,
} from './dispatch.ts'
import { ERRNO, errnoOf } from './errno.ts'
import { countFop, fopOf } from './fop-counters.ts'
import { CLOEXEC, EPOLL, type Libc, libc, WAIT_FOR_EVER } from './libc.ts'
import { OPCODE, opcodeName } from './protocol/opcodes.ts'
import { FuseInHeader, FuseReadIn } from './protocol/structs.ts'
import { createRafsOps } from './rafs-ops.ts'
import { MISS, readReady } from './read-ready.ts'
import { createReplyBuffer, finishReply, getInteger64, type ReplyBuffer } from './reply-buffer.ts'
import {
  COUNTER,
  FOP_COUNTERS_AT,
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
  readonly devices: DeviceTable
  readonly target: RequestTarget
  readonly request: RequestBuffer
  readonly reply: ReplyBuffer
  /** Part of the setup's counters. */
  readonly fops: Float64Array
}

function start(port: MessagePort, setup: WorkerSetup): void {
  const calls = libc()
  const views = createBlobViews()
  const devices = createDeviceTable()
  const target = createTarget(port, setup, { calls, views, devices })
  const epoll = watch(calls, setup)
  const state = {
    setup,
    port,
    calls,
    views,
    devices,
    target,
    request: createRequestBuffer(),
    reply: createReplyBuffer(),
    fops: setup.counters.subarray(FOP_COUNTERS_AT),
  }
  post(state, { kind: 'ready' })
  try {
    serve(state, epoll)
  } finally {
    calls.close(epoll)
  }
}

/** What the connection shows: the files of an image, or blob devices. */
function createTarget(
  port: MessagePort,
  { serves }: WorkerSetup,
  { calls, views, devices }: Pick<WorkerState, 'calls' | 'views' | 'devices'>,
): RequestTarget {
  const readAt = calls.pread
  if (serves.kind === 'devices') {
    const ops = createDeviceOps(devices, (kind, nodeid) => post({ port }, { kind, nodeid }))
    const source = { devices, views, readAt }
    return { ops, read: (request, out) => readDevice(source, request, out) }
  }
  const { compat } = serves
  const bootstrap = openBootstrap(serves.bootstrap)
  const ops = createRafsOps(bootstrap, compat === undefined ? {} : { compat })
  const source = { bootstrap, views, readAt }
  return { ops, read: (request, out) => readReady(source, request, out) }
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
  let seen = 0
  while (Atomics.load(setup.shared, SHARED.STOP) === 0) {
    const length = calls.read(setup.fuseFd, request.bytes, request.bytes.length)
    if (length > 0) {
      const posted = Atomics.load(setup.shared, SHARED.POSTED)
      if (posted !== seen) {
        takeMessages(state)
        seen = posted
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

function takeMessages({ port, views, devices }: WorkerState): void {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const message = next.message as InboxMessage
    if (message.kind === 'view') views.add(message.key, message.view)
    else if (message.kind === 'device') devices.add(message.device)
    else {
      devices.remove(message.nodeid)
      views.remove(message.nodeid)
    }
  }
}

function answer(state: WorkerState, length: number): void {
  const { request, reply, setup } = state
  const { counters } = setup
  const opcode = request.view.getUint32(HEADER.opcode, true)
  counters[COUNTER.REQUESTS] = (counters[COUNTER.REQUESTS] ?? 0) + 1
  const started = performance.now()
  let result: number
  let isError = false
  try {
    result = handleRequest(request, length, state.target, reply)
  } catch (error) {
    result = -reportFailure(state, opcode, error)
    isError = true
  }
  if (opcode === OPCODE.READ && (result >= 0 || result === MISS)) countRead(counters, result)
  if (result === MISS) {
    postMiss(state)
    return
  }
  if (result !== NO_REPLY) sendReply(state, result)
  countFop(state.fops, opcode, result, isError, performance.now() - started)
  if (setup.tellsAccess) postAccess(state, opcode, result, isError)
}

function postAccess(state: WorkerState, opcode: number, result: number, isError: boolean): void {
  const fop = fopOf(opcode)
  if (fop === undefined) return
  const nid = state.target.ops.nidOf(getInteger64(state.request.view, HEADER.nodeid))
  post(state, { kind: 'access', nid, fop, result, isError })
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
