// SPDX-License-Identifier: Apache-2.0
/** Bootstraps from files. */
import { type FileHandle, open } from 'node:fs/promises'
import { FormatError } from '@nydus/base/error'
import { type Bootstrap, openBootstrap, superFlagNames } from '@nydus/rafs-format'
import { EROFS_MAGIC, EROFS_SUPER_OFFSET, V5_MAGIC } from '@nydus/rafs-format/layout'
import type { ImageArguments } from './command-spec.ts'
import type { ImageContext } from './context.ts'
import { fileFailure } from './file-failure.ts'
import type { ImageLog } from './log.ts'

/** Larger ones cannot be written: block addresses of 32 bits. */
const MAX_BOOTSTRAP_BYTES = 0x1_0000_0000

const HEAD_BYTES = EROFS_SUPER_OFFSET + 4

/** The path of the bootstrap to read: the operand, or the older flag. */
export function bootstrapPath(values: ImageArguments): string {
  return values.text('bootstrap') ?? values.operands[0] ?? ''
}

/** Bytes of a bootstrap's file. @throws {NydusError} ERR_BUILD_IO, {FormatError} ERR_FORMAT_OUT_OF_RANGE above 4 GiB. */
export async function readBootstrapBytes(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      if (size > MAX_BOOTSTRAP_BYTES) {
        throw new FormatError('ERR_FORMAT_OUT_OF_RANGE', `${path}: ${size} bytes are no bootstrap`)
      }
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    throw fileFailure(error, 'read bootstrap', path)
  }
}

/** Says which features a bootstrap has. */
export function sayFeatures({ fsVersion, flags }: Bootstrap, log: ImageLog): void {
  log.info(`RAFS v${fsVersion} features: ${superFlagNames(flags).join(' | ')}`)
}

/** Reads and opens a bootstrap, and says which features it has. @throws {NydusError} ERR_BUILD_IO, {FormatError} */
export async function readBootstrap(path: string, { log }: ImageContext): Promise<Bootstrap> {
  const bootstrap = openBootstrap(await readBootstrapBytes(path))
  sayFeatures(bootstrap, log)
  return bootstrap
}

/**
 * The bytes of a bootstrap, or of the bootstrap inside a layer blob, of which nothing else is read.
 * @throws {NydusError} ERR_BUILD_IO, {FormatError} ERR_FORMAT_BAD_MAGIC when it is neither.
 */
export async function readBootstrapOrBlob(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      const read = (offset: number, length: number) => readAt(file, offset, length)
      if (size <= MAX_BOOTSTRAP_BYTES && startsAsBootstrap(await read(0, HEAD_BYTES)))
        return await file.readFile()
      const { readBootstrapFile } = await import('@nydus/builder') // seldom needed, slow to load
      return (await readBootstrapFile({ size, read })).bootstrap
    } finally {
      await file.close()
    }
  } catch (error) {
    throw fileFailure(error, 'read bootstrap', path)
  }
}

function startsAsBootstrap(head: Uint8Array): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  if (head.length < HEAD_BYTES) return false
  return view.getUint32(0, true) === V5_MAGIC || view.getUint32(EROFS_SUPER_OFFSET, true) === EROFS_MAGIC
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}
