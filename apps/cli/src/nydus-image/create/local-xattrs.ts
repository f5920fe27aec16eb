// SPDX-License-Identifier: Apache-2.0
/**
 * Extended attributes of local files, over the C library, which Node has no call for. The calls block: a system call of a
 * microsecond is not worth a thread. What is read must not be on a file system that this process serves.
 */
import { NydusError } from '@nydus/base/error'
import type { Xattr } from '@nydus/rafs-format'

/** The kernel's limit for a list of names and for a value. */
const MAX_BYTES = 65_536
const ENODATA = 61
const EOPNOTSUPP = 95
const ZERO = Buffer.alloc(1)
const NONE: readonly Xattr[] = []

type XattrCall = (...args: readonly unknown[]) => number | bigint

/**
 * Loads the C library. @returns a reader for one path, links not followed; names that vanish meanwhile are left out.
 * @throws {NydusError} ERR_FUSE_BINDING_MISSING where the library cannot be loaded.
 */
export async function openLocalXattrs(): Promise<(path: Uint8Array) => readonly Xattr[]> {
  const { list, get, errno } = await loadCalls()
  const buffer = Buffer.allocUnsafeSlow(MAX_BYTES)
  const call = (what: XattrCall, path: Uint8Array, ...args: readonly unknown[]): Buffer | undefined => {
    const size = Number(what(...args, buffer, MAX_BYTES))
    if (size >= 0) return buffer.subarray(0, size)
    const code = errno()
    if (code === EOPNOTSUPP || code === ENODATA) return undefined
    throw new NydusError('ERR_BUILD_IO', `xattrs of ${Buffer.from(path).toString()}: errno ${code}`)
  }
  return (path) => {
    const cPath = Buffer.concat([path, ZERO])
    const names = call(list, path, cPath)
    if (names === undefined || names.length === 0) return NONE
    return splitNames(Buffer.from(names)).flatMap((name) => {
      const value = call(get, path, cPath, Buffer.concat([name, ZERO]))
      return value === undefined ? [] : [{ name, value: new Uint8Array(value) }]
    })
  }
}

async function loadCalls(): Promise<{ list: XattrCall; get: XattrCall; errno: () => number }> {
  try {
    const { default: koffi } = await import('koffi')
    const libc = koffi.load('libc.so.6')
    return {
      list: libc.func('long llistxattr(const void *path, _Out_ void *list, size_t size)'),
      get: libc.func('long lgetxattr(const void *path, const void *name, _Out_ void *value, size_t size)'),
      errno: () => koffi.errno(),
    }
  } catch (cause) {
    throw new NydusError(
      'ERR_FUSE_BINDING_MISSING',
      'the C library cannot be called, so xattrs cannot be read',
      {
        cause,
        hint: 'install the optional package koffi, or build from a tar',
      },
    )
  }
}

function splitNames(list: Buffer): Buffer[] {
  const names: Buffer[] = []
  for (let at = 0; at < list.length; ) {
    const end = list.indexOf(0, at)
    names.push(list.subarray(at, end))
    at = end + 1
  }
  return names
}
