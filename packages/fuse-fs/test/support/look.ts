// SPDX-License-Identifier: Apache-2.0
/** A process that looks at a mount as any program does, with plain system calls. */
import { createHash } from 'node:crypto'
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  type Stats,
  statfsSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { answerCalls } from './calls.ts'

type Call = (...args: readonly unknown[]) => number
const koffi = createRequire(import.meta.url)('koffi') as {
  load(path: null): { func(declaration: string): Call }
  errno(): number
}
const library = koffi.load(null)
const llistxattr = library.func('long llistxattr(void *, void *, size_t)')
const lgetxattr = library.func('long lgetxattr(void *, void *, void *, size_t)')

function cString(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.from([0])])
}

/** The size asked for beforehand may be larger than what is then needed. */
function xattrNames(path: Buffer): readonly Buffer[] {
  const list = Buffer.alloc(Math.max(llistxattr(cString(path), null, 0), 0))
  const length = list.length === 0 ? 0 : llistxattr(cString(path), list, list.length)
  return list
    .toString('latin1', 0, Math.max(length, 0))
    .split('\0')
    .filter((name) => name !== '')
    .map((name) => Buffer.from(name, 'latin1'))
}

function xattrs(path: Buffer): Record<string, string> {
  return Object.fromEntries(
    xattrNames(path).map((name) => {
      const value = Buffer.alloc(65_536)
      const length = lgetxattr(cString(path), cString(name), value, value.length)
      return [name.toString('latin1'), value.toString('base64', 0, length)]
    }),
  )
}

const TYPES: ReadonlyMap<number, string> = new Map([
  [0o010000, 'fifo'],
  [0o020000, 'chr'],
  [0o040000, 'dir'],
  [0o060000, 'blk'],
  [0o100000, 'reg'],
  [0o120000, 'lnk'],
  [0o140000, 'sock'],
])

function isUtf8(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString()).equals(bytes)
}

/** One line of a listing, in the fixtures' form. */
function describe(
  path: Buffer,
  name: Buffer,
  stats: Stats & { mtimeNs?: bigint },
  firstPaths: Map<number, string>,
): Record<string, unknown> {
  const big = lstatSync(path, { bigint: true })
  const type = TYPES.get(stats.mode & 0o170000) ?? 'unknown'
  const line: Record<string, unknown> = {
    ...(isUtf8(name) ? { path: name.toString() } : { path_b64: name.toString('base64') }),
    type,
    mode: (stats.mode & 0o7777).toString(8).padStart(4, '0'),
    uid: stats.uid,
    gid: stats.gid,
    mtime: Math.floor(Number(big.mtimeNs / 1000n) / 1e6),
    mtime_ns: Number(BigInt.asUintN(64, ((big.mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)),
    nlink: stats.nlink,
  }
  if (type === 'chr' || type === 'blk') line.rdev = `${rdevMajor(big.rdev)}:${rdevMinor(big.rdev)}`
  if (type === 'reg' || type === 'lnk') line.size = stats.size
  if (type === 'lnk') {
    const target = readlinkSync(path, { encoding: 'buffer' })
    Object.assign(
      line,
      isUtf8(target) ? { target: target.toString() } : { target_b64: target.toString('base64') },
    )
  }
  const first = firstPaths.get(stats.ino)
  if (type !== 'dir' && first !== undefined) line.same_inode_as = first
  if (first === undefined) firstPaths.set(stats.ino, name.toString())
  const found = xattrs(path)
  if (Object.keys(found).length > 0) line.xattrs = found
  if (type === 'reg') line.sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
  return line
}

function rdevMajor(rdev: bigint): bigint {
  return ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xffff_f000n)
}

function rdevMinor(rdev: bigint): bigint {
  return (rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n)
}

function list(root: string): readonly Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = []
  const firstPaths = new Map<number, string>()
  function walk(path: Buffer, name: Buffer): void {
    const stats = lstatSync(path)
    lines.push(describe(path, name, stats, firstPaths))
    if (!stats.isDirectory()) return
    const names = readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare)
    for (const child of names) {
      const childName = name.equals(Buffer.from('.')) ? child : Buffer.concat([name, Buffer.from('/'), child])
      walk(Buffer.concat([path, Buffer.from('/'), child]), childName)
    }
  }
  walk(Buffer.from(root), Buffer.from('.'))
  return lines
}

/** Runs a call and gives its errno name, or undefined. */
function errorOf(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

const held: number[] = []

answerCalls({
  list,
  digest: (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex'),
  /** Reads pieces of files in parallel; their digests. */
  pieces: (pieces: readonly { path: string; offset: number; length: number }[]) =>
    Promise.all(
      pieces.map(async ({ path, offset, length }) => {
        const file = await open(path)
        try {
          const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
          return createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex')
        } finally {
          await file.close()
        }
      }),
    ),
  readError: (path: string) => errorOf(() => readFileSync(path)),
  lstatError: (path: string) => errorOf(() => lstatSync(path)),
  statfs: (path: string) => statfsSync(path),
  mode: (path: string) => lstatSync(path).mode,
  names: (path: string) => readdirSync(path).sort(),
  hold: (path: string) => void held.push(openSync(path, 'r')),
  /** Bytes that reading the held file to its end gives. */
  readHeld: () => readFileSync(held[0] ?? -1).length,
  letGo: () => {
    for (const fd of held.splice(0)) closeSync(fd)
  },
  heldError: () => errorOf(() => readSync(held[0] ?? -1, Buffer.alloc(4096), 0, 4096, 0)),
  /** errno of lgetxattr and llistxattr with a buffer of `size` bytes, 0 if they work. */
  xattrErrno: ({ path, name, size }: { path: string; name: string; size: number }) => {
    const value = Buffer.alloc(Math.max(size, 1))
    const target = cString(Buffer.from(path))
    const result =
      name === ''
        ? llistxattr(target, value, size)
        : lgetxattr(target, cString(Buffer.from(name)), value, size)
    return result < 0 ? koffi.errno() : 0
  },
})
