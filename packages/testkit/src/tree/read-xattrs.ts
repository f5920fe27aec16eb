// SPDX-License-Identifier: Apache-2.0
/** Extended attributes of real files: Node has no API for them, koffi calls the C library. */
import { createRequire } from 'node:module'

type NativeCall = (...args: readonly unknown[]) => number
interface Koffi {
  load(path: null): { func(declaration: string): NativeCall }
}

const ATTRIBUTE_BYTES = 65_536

let calls: { list: NativeCall; get: NativeCall } | undefined

function bind(): { list: NativeCall; get: NativeCall } {
  const library = (createRequire(import.meta.url)('koffi') as Koffi).load(null)
  return {
    list: library.func('intptr_t llistxattr(const void *path, _Out_ uint8_t *list, size_t size)'),
    get: library.func(
      'intptr_t lgetxattr(const void *path, const void *name, _Out_ uint8_t *value, size_t size)',
    ),
  }
}

/**
 * Name → value in base64, sorted by name; names as Latin-1 text, one character a byte. Links are not followed.
 * @throws when the attributes cannot be read.
 */
export function readXattrs(path: Uint8Array): Record<string, string> {
  calls ??= bind()
  const file = terminated(path)
  const list = Buffer.alloc(ATTRIBUTE_BYTES)
  const length = calls.list(file, list, list.length)
  if (length < 0) throw new Error(`${Buffer.from(path)}: extended attributes cannot be listed`)
  const names = list
    .subarray(0, length)
    .toString('latin1')
    .split('\0')
    .filter((name) => name !== '')
  return Object.fromEntries(names.sort().map((name) => [name, readOne(file, name)]))
}

function readOne(file: Buffer, name: string): string {
  const value = Buffer.alloc(ATTRIBUTE_BYTES)
  const length = calls?.get(file, terminated(Buffer.from(name, 'latin1')), value, value.length) ?? -1
  if (length < 0) throw new Error(`${file.subarray(0, -1)}: extended attribute ${name} cannot be read`)
  return value.subarray(0, length).toString('base64')
}

function terminated(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.from([0])])
}
