// SPDX-License-Identifier: Apache-2.0
/**
 * Whether this kernel may be trusted with the erofs data plane. Kernels before a fix of February 2026 fill what a device
 * could not deliver with zeros, which a reader takes for data; a version says nothing about backported fixes. So the
 * kernel is asked: an image is mounted whose device answers the first half of a read and fails the second.
 */

import { closeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { describeError } from '@nydus/base/error'
import { openBlobDevices } from '../devices/blob-devices.ts'
import { createDetachedMount, MOUNT_ATTR } from '../mount-calls.ts'
import { createSelfTestImage, SELF_TEST_BYTES, SELF_TEST_FILE } from './self-test-image.ts'

/** The kernel's answer. */
export type ErofsVerdict =
  | { readonly usable: true }
  /** `reason` is for people. */
  | { readonly usable: false; readonly reason: string }

/** What reading a half of the file gave: an errno's name, or bytes. */
export type HalfRead = { readonly error: string } | { readonly bytes: Uint8Array }

/** Reads of the half that the device delivers, and of the half that it fails. */
export interface HalfReads {
  readonly first: HalfRead
  readonly second: HalfRead
}

const HALF = SELF_TEST_BYTES / 2
const DEADLINE_MS = 5_000
const FILL = 0xa5

/**
 * Tests the kernel; takes some ten milliseconds. Leaves nothing mounted.
 * @param readBoth replaces the kernel in tests.
 */
export async function testErofs(
  readBoth: () => Promise<HalfReads> = readThroughKernel,
): Promise<ErofsVerdict> {
  try {
    return judge(await readBoth())
  } catch (error) {
    return { usable: false, reason: describeError(error) }
  }
}

function judge({ first, second }: HalfReads): ErofsVerdict {
  if ('error' in first) return { usable: false, reason: `reading from a device gives ${first.error}` }
  if (first.bytes.length !== HALF || first.bytes.some((byte) => byte !== FILL)) {
    return { usable: false, reason: `reading ${HALF} bytes from a device gives other bytes` }
  }
  if ('error' in second) {
    if (second.error === 'EIO') return { usable: true }
    return { usable: false, reason: `a read that its device fails gives ${second.error} instead of EIO` }
  }
  const what = second.bytes.every((byte) => byte === 0) ? 'zeros' : `${second.bytes.length} bytes`
  return {
    usable: false,
    reason: `this kernel returns ${what} where a device cannot deliver, instead of EIO`,
  }
}

async function readThroughKernel(): Promise<HalfReads> {
  const devices = await openBlobDevices({ workers: 1, onEvent: () => {}, maxReadBytes: HALF })
  try {
    const image = createSelfTestImage()
    const primary = devices.add({ content: image, size: image.length })
    const content = new Uint8Array(SELF_TEST_BYTES).fill(FILL)
    const device = devices.add({ content, size: content.length, readableBytes: HALF })
    const mountFd = createDetachedMount({
      type: 'erofs',
      parameters: [['source', primary.path], ['ro'], ['device', device.path]],
      attributes: MOUNT_ATTR.RDONLY,
    })
    try {
      return await readHalves(`/proc/self/fd/${mountFd}/${SELF_TEST_FILE}`)
    } finally {
      closeSync(mountFd)
    }
  } finally {
    await devices.close()
  }
}

/** The whole file first, because the fault shows where one request of the kernel is answered in part. */
async function readHalves(path: string): Promise<HalfReads> {
  const file = await open(path)
  const deadline = AbortSignal.timeout(DEADLINE_MS)
  try {
    await readAt(file, 0, SELF_TEST_BYTES, deadline)
    return { first: await readAt(file, 0, HALF, deadline), second: await readAt(file, HALF, HALF, deadline) }
  } finally {
    await file.close()
  }
}

async function readAt(
  file: FileHandle,
  offset: number,
  size: number,
  deadline: AbortSignal,
): Promise<HalfRead> {
  try {
    const { buffer, bytesRead } = await orAborted(file.read(new Uint8Array(size), 0, size, offset), deadline)
    return { bytes: buffer.subarray(0, bytesRead) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return { error: code }
  }
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`no answer within ${DEADLINE_MS} ms`)), {
      once: true,
    })
  })
  return Promise.race([work, aborted])
}
