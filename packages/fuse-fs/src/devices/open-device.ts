// SPDX-License-Identifier: Apache-2.0
/** The main thread's side of a blob device: reads of what is missing, and who has it open. */

import { close, open } from 'node:fs'
import { promisify } from 'node:util'
import { shareBytes } from '@nydus/base/binary'
import type { BlobRangeReader, SharedBlobView } from '../blob-range-reader.ts'
import { createExtentReader, type FilePart } from '../file-reader.ts'
import { FuseError } from '../fuse-error.ts'
import { dropFromPageCache } from '../mount-calls.ts'
import type { ReaderPort } from '../session.ts'
import type { DeviceUse } from '../worker-protocol.ts'
import type { DeviceEntry } from './device-table.ts'

/** What a device shows. */
export type DeviceSource =
  /** A decoded blob. `size` is that of the device: what lies behind the blob's end reads as zeros. */
  | { readonly blobs: BlobRangeReader; readonly blobIndex: number; readonly size: number }
  /** Fixed bytes, copied once unless they lie over a SharedArrayBuffer. Reads behind `readableBytes` fail with EIO. */
  | { readonly content: Uint8Array; readonly size: number; readonly readableBytes?: number }

/** A device that is served. */
export interface OpenDevice {
  readonly entry: DeviceEntry
  /** Resolves when the kernel does not have it open any more, or it is closed. */
  readonly released: Promise<void>
  /** Gets what the workers do not have. */
  read(offset: number, size: number): Promise<FilePart>
  countUse(kind: DeviceUse['kind']): void
  /** Takes what the kernel has copied elsewhere out of its page cache. */
  trim(): Promise<void>
  /** Idempotent. */
  close(): void
}

/** @param path where this process can open the device. */
export function openDevice(parts: {
  readonly source: DeviceSource
  readonly nodeid: number
  readonly path: string
  readonly port: ReaderPort
}): OpenDevice {
  const { source, nodeid, path, port } = parts
  let view: SharedBlobView | undefined
  const onOpen = (opened: SharedBlobView): void => {
    view = opened
    port.post({ kind: 'view', key: nodeid, view: opened })
  }
  const uses = countUses()
  const trimmer = createTrimmer(path, uses)
  return {
    entry: entryOf(source, nodeid),
    released: uses.released,
    read: deviceReader(source, port, onOpen),
    countUse: uses.count,
    trim: async () => {
      if (view !== undefined) await trimmer.trim(view.fd)
    },
    close() {
      trimmer.close()
      uses.end()
    },
  }
}

function entryOf(source: DeviceSource, nodeid: number): DeviceEntry {
  const { size } = source
  if ('blobs' in source) return { nodeid, size, content: undefined, readableBytes: size }
  return { nodeid, size, content: shareBytes(source.content), readableBytes: source.readableBytes ?? size }
}

function deviceReader(
  source: DeviceSource,
  port: ReaderPort,
  onOpen: (view: SharedBlobView) => void,
): OpenDevice['read'] {
  if (!('blobs' in source)) {
    return async () => {
      throw new FuseError('ERR_FUSE_PROTOCOL', 'a device of fixed bytes misses nothing')
    }
  }
  const { blobs, blobIndex, size } = source
  const read = createExtentReader({ blobs, signal: port.signal, onOpen })
  let blobSize: number | undefined
  return async (offset, length) => {
    const wanted = Math.max(0, Math.min(length, size - offset))
    blobSize ??= (await blobs.open(blobIndex, port.signal)).uncompressedSize
    const stored = Math.max(0, Math.min(wanted, blobSize - offset))
    if (stored === 0) return zeroPart(wanted)
    const part = await read({
      blobIndex,
      uncompressedOffset: offset,
      length: stored,
    })
    return {
      length: wanted,
      copyTo(target) {
        part.copyTo(target)
        target.fill(0, stored, wanted)
      },
    }
  }
}

function zeroPart(length: number): FilePart {
  return { length, copyTo: (target) => void target.fill(0, 0, length) }
}

interface Uses {
  readonly released: Promise<void>
  /** Times that the kernel has the device open, our own included. */
  readonly opens: () => number
  /** Tells how many of them are ours. */
  setOwn(own: number): void
  count(kind: DeviceUse['kind']): void
  end(): void
}

function countUses(): Uses {
  const released = Promise.withResolvers<void>()
  let opens = 0
  let own = 0
  return {
    released: released.promise,
    opens: () => opens,
    setOwn(value) {
      own = value
    },
    count(kind) {
      opens += kind === 'opened' ? 1 : -1
      if (kind === 'released' && opens <= own) released.resolve()
    },
    end: () => released.resolve(),
  }
}

/**
 * EROFS keeps a page of its own for what it reads, so neither the device's page nor that of the decoded file is needed
 * again soon. The device can be told through a descriptor of ours.
 */
function createTrimmer(path: string, uses: Uses) {
  let fd: number | undefined
  let isClosed = false

  async function openOwn(): Promise<void> {
    if (fd !== undefined || isClosed || uses.opens() === 0) return
    uses.setOwn(1)
    // In a pool thread: the connection answers the open, through workers.
    fd = await promisify(open)(path, 'r').catch(() => undefined)
    if (fd === undefined) uses.setOwn(0)
    if (isClosed) closeOwn()
  }

  function closeOwn(): void {
    // The connection answers the close, so this thread must not wait for it.
    if (fd !== undefined) close(fd, () => {})
    fd = undefined
  }

  return {
    async trim(decodedFd: number): Promise<void> {
      await openOwn()
      if (isClosed || fd === undefined) return
      await Promise.all([dropFromPageCache(fd), dropFromPageCache(decodedFd)])
    },
    close() {
      isClosed = true
      closeOwn()
    },
  }
}
