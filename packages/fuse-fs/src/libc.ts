// SPDX-License-Identifier: Apache-2.0
/**
 * The system calls that Node has no API for, through koffi. Loaded on first use, so that importing the package needs
 * nothing native. Calls return what C returns: −1 for failure, and then `errno()` tells why.
 */
import { createRequire } from 'node:module'
import { FuseError } from './fuse-error.ts'

/** Thin, typed view of the C library. All calls block the calling thread for as long as the system call does. */
export interface Libc {
  /** errno of this thread's last failed call. */
  errno(): number
  read(fd: number, buffer: Uint8Array, length: number): number
  write(fd: number, buffer: Uint8Array, length: number): number
  pread(fd: number, buffer: Uint8Array, length: number, offset: number): number
  /** For descriptors that Node has not opened: it warns of those in worker threads. */
  close(fd: number): number
  mount(source: string, target: string, type: string, flags: number, options: string): number
  umount2(target: string, flags: number): number
  eventfd(initial: number, flags: number): number
  epollCreate(flags: number): number
  /** Watches `fd` for `events` (EPOLL). */
  epollAdd(epoll: number, fd: number, events: number): number
  /** Waits until a watched descriptor is ready, at most `timeoutMs` (−1 = for ever). Returns how many are. */
  epollWait(epoll: number, timeoutMs: number): number
  /** Tells whether the other side of `fd` is gone. Does not wait. */
  hasEnded(fd: number): boolean
  /** Tells whether something unusual waits on `fd`: for mountinfo, that it changed since it was read. Does not wait. */
  hasNews(fd: number): boolean
  /** A connected pair of UNIX stream sockets, or undefined. */
  socketpair(): readonly [number, number] | undefined
  /** The one descriptor that a message waiting on `socket` carries, or −1. */
  receiveDescriptor(socket: number): number
  /** Makes reads of `fd` fail with EAGAIN instead of waiting. */
  setNonBlocking(fd: number): void
}

/** Flags of mount(2) and umount2(2). */
export const MS = { RDONLY: 1, NOSUID: 2, NODEV: 4, NOATIME: 1024 } as const
export const MNT_DETACH = 2
/** Flags of epoll; EXCLUSIVE wakes one of several waiting threads. */
export const EPOLL = { IN: 1, EXCLUSIVE: 0x1000_0000 } as const
export const CLOEXEC = 0o2000000
/** Timeout of `epollWait` that never ends. */
export const WAIT_FOR_EVER = -1

const EPOLL_CTL_ADD = 1
const EPOLL_EVENT_BYTES = 16
/** struct pollfd { int fd; short events; short revents; } */
const REVENTS_SHIFT = 16
const POLLERR = 8
const POLLPRI = 2
const F_GETFL = 3
const F_SETFL = 4
const O_NONBLOCK = 0o4000
const AF_UNIX = 1
const SOCK_STREAM = 1
const MSG_DONTWAIT = 0x40
/** MSG_CMSG_CLOEXEC */
const CLOEXEC_MESSAGE = 0x4000_0000
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
/** struct cmsghdr { size_t len; int level; int type; int fd; } padded to 8 bytes, on 64-bit machines. */
const CONTROL_BYTES = 24

/** A C function. */
export interface NativeCall {
  (...args: readonly unknown[]): number
  /** Calls it in a thread of the pool; the last argument is called with an error or the result. */
  async(...args: readonly unknown[]): void
}
/** Parameters of glibc's mallopt(3). */
const M_TRIM_THRESHOLD = -1
const M_MMAP_THRESHOLD = -3
const M_ARENA_MAX = -8

/**
 * Makes the process give memory back: one heap for all threads, and buffers of 128 KiB and more are returned when they
 * are freed. For processes that serve mounts and do little else; call it before they have many threads. Does nothing
 * where there is no glibc.
 * @returns gives back what is free now, to be called when there is time for it (about 1 ms).
 */
export function keepMemoryLow(): () => void {
  try {
    const library = loadKoffi().load(null)
    const mallopt = library.func('int mallopt(int, int)')
    const trim = library.func('int malloc_trim(size_t)')
    mallopt(M_ARENA_MAX, 1)
    mallopt(M_MMAP_THRESHOLD, 128 << 10)
    mallopt(M_TRIM_THRESHOLD, 256 << 10)
    return () => void trim(0)
  } catch {
    // Another C library, or no koffi: only memory is at stake.
    return () => {}
  }
}

/** The part of koffi that is used. */
export interface Koffi {
  load(path: null): {
    func(declaration: string): NativeCall
    func(name: string, result: string, parameters: readonly string[]): NativeCall
  }
  errno(): number
  address(buffer: Uint8Array): bigint
}

let loaded: Libc | undefined

/**
 * The C library of this process.
 * @throws {FuseError} ERR_FUSE_BINDING_MISSING when koffi is not installed or has no binary for this platform.
 */
export function libc(): Libc {
  loaded ??= bindLibc(loadKoffi())
  return loaded
}

/** @throws {FuseError} ERR_FUSE_BINDING_MISSING when koffi is not installed or has no binary for this platform. */
export function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi
  } catch (cause) {
    throw new FuseError(
      'ERR_FUSE_BINDING_MISSING',
      `koffi cannot be loaded on ${process.platform}-${process.arch} with Node ${process.versions.node}`,
      {
        cause,
        hint: 'install the package again with its optional dependencies, or use a platform that koffi supports',
      },
    )
  }
}

function bindLibc(koffi: Koffi): Libc {
  const library = koffi.load(null)
  const epollCtl = library.func('int epoll_ctl(int, int, int, void *)')
  const epollWait = library.func('int epoll_wait(int, void *, int, int)')
  const socketpair = library.func('int socketpair(int, int, int, void *)')
  const recvmsg = library.func('long recvmsg(int, void *, int)')
  const poll = library.func('int poll(void *, unsigned long, int)')
  const fcntl = library.func('int fcntl(int, int, int)')
  const events = new Uint8Array(EPOLL_EVENT_BYTES)
  return {
    errno: () => koffi.errno(),
    read: library.func('long read(int, void *, size_t)'),
    write: library.func('long write(int, void *, size_t)'),
    pread: library.func('long pread(int, void *, size_t, int64_t)'),
    close: library.func('int close(int)'),
    mount: library.func('int mount(str, str, str, unsigned long, str)'),
    umount2: library.func('int umount2(str, int)'),
    eventfd: library.func('int eventfd(unsigned int, int)'),
    epollCreate: library.func('int epoll_create1(int)'),
    epollAdd(epoll, fd, mask) {
      const event = new Uint8Array(EPOLL_EVENT_BYTES)
      new DataView(event.buffer).setUint32(0, mask, true)
      return epollCtl(epoll, EPOLL_CTL_ADD, fd, event)
    },
    epollWait: (epoll, timeoutMs) => epollWait(epoll, events, 1, timeoutMs),
    hasEnded(fd) {
      const entry = Int32Array.of(fd, 0)
      return poll(entry, 1, 0) > 0 && (((entry[1] ?? 0) >>> REVENTS_SHIFT) & POLLERR) !== 0
    },
    hasNews(fd) {
      const entry = Int32Array.of(fd, POLLPRI)
      return poll(entry, 1, 0) > 0
    },
    socketpair() {
      const pair = new Int32Array(2)
      if (socketpair(AF_UNIX, SOCK_STREAM | CLOEXEC, 0, pair) !== 0) return undefined
      return [pair[0] ?? -1, pair[1] ?? -1]
    },
    setNonBlocking(fd) {
      fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK)
    },
    receiveDescriptor: (socket) => receiveDescriptor(koffi, recvmsg, socket),
  }
}

/** recvmsg(2) with one byte of payload and room for one descriptor; the structures are laid out for 64-bit Linux. */
function receiveDescriptor(koffi: Koffi, recvmsg: NativeCall, socket: number): number {
  const payload = new Uint8Array(1)
  const control = new Uint8Array(CONTROL_BYTES)
  const vector = new BigUint64Array([koffi.address(payload), BigInt(payload.length)])
  const message = new BigUint64Array([
    0n, // name
    0n, // length of the name
    koffi.address(new Uint8Array(vector.buffer)),
    1n, // vectors
    koffi.address(control),
    BigInt(control.length),
    0n, // flags
  ])
  if (recvmsg(socket, message, MSG_DONTWAIT | CLOEXEC_MESSAGE) < 0) return -1
  const words = new Int32Array(control.buffer)
  const carriesRights = words[2] === SOL_SOCKET && words[3] === SCM_RIGHTS
  return carriesRights ? (words[4] ?? -1) : -1
}
