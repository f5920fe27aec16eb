// SPDX-License-Identifier: Apache-2.0
/** Extended attributes of a path: Node has no call for them, the C library does. */
import { NydusError } from '@nydus/base/error'
import type { Xattr } from '@nydus/rafs-format'

/** Reads all extended attributes of one object, links not followed. */
export type XattrReader = (path: Uint8Array) => Promise<readonly Xattr[]>

interface AsyncCall {
  async(...args: unknown[]): void
}

/** The kernel's limit for a list of names and for a value. */
const MAX_BYTES = 65_536
const ZERO = Buffer.alloc(1)

/**
 * Loads the C library. The calls run on other threads: a file system served by this process can answer them.
 * @throws {NydusError} ERR_FUSE_BINDING_MISSING where it cannot be loaded.
 */
export async function openXattrReader(): Promise<XattrReader> {
  const { list, get } = await loadCalls()
  const buffers: Buffer[] = [] // free ones; as many exist as calls ever ran at a time
  return async (path) => {
    const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(MAX_BYTES)
    try {
      const cPath = Buffer.concat([path, ZERO])
      const names = splitNames(await readAll(path, list, [cPath], buffer))
      const xattrs: Xattr[] = []
      for (const name of names) {
        const value = await readAll(path, get, [cPath, Buffer.concat([name, ZERO])], buffer)
        xattrs.push({ name, value: new Uint8Array(value) })
      }
      return xattrs
    } finally {
      buffers.push(buffer)
    }
  }
}

async function loadCalls(): Promise<{ list: AsyncCall; get: AsyncCall }> {
  try {
    const { default: koffi } = await import('koffi')
    const libc = koffi.load('libc.so.6')
    return {
      list: libc.func('long llistxattr(const void *path, _Out_ void *list, size_t size)'),
      get: libc.func('long lgetxattr(const void *path, const void *name, _Out_ void *value, size_t size)'),
    }
  } catch (cause) {
    throw new NydusError(
      'ERR_FUSE_BINDING_MISSING',
      'the C library cannot be called, so xattrs cannot be read',
      { cause },
    )
  }
}

/** @returns a view of `buffer`. */
async function readAll(
  path: Uint8Array,
  call: AsyncCall,
  args: readonly unknown[],
  buffer: Buffer,
): Promise<Buffer> {
  const size = await new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, result: number) => (error ? reject(error) : resolve(Number(result)))
    call.async(...args, buffer, MAX_BYTES, done)
  })
  if (size >= 0) return buffer.subarray(0, size)
  throw new NydusError('ERR_CACHE_IO', `xattrs of ${Buffer.from(path).toString()} cannot be read`)
}

function splitNames(list: Buffer): Buffer[] {
  const names: Buffer[] = []
  for (let at = 0; at < list.length; ) {
    const end = list.indexOf(0, at)
    names.push(Buffer.from(list.subarray(at, end))) // a copy
    at = end + 1
  }
  return names
}
