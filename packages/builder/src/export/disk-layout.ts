// SPDX-License-Identifier: Apache-2.0
/**
 * Where everything lies in a flat disk image that the kernel mounts without further devices:
 *
 *   bootstrap · hole · blob 0 decoded · hole · blob 1 decoded · …
 *
 * The device table of the bootstrap says where the blobs start.
 */
import { alignUp } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import {
  type Bootstrap,
  type DeviceSlot,
  decodeDeviceSlots,
  encodeDeviceSlots,
  planDeviceSlots,
} from '@nydus/rafs-format'
import { DEVICE_TABLE_OFFSET } from '@nydus/rafs-format/layout'

/** A decoded blob on the disk. */
export interface DiskBlob {
  readonly blobIndex: number
  /** Bytes from the start of the disk. */
  readonly offset: number
  /** Bytes, whole blocks. */
  readonly size: number
}

/** The disk. Offsets ascend and nothing overlaps. */
export interface DiskLayout {
  /** Bytes: 4096, tarfs 512. */
  readonly blockSize: number
  /** What the disk starts with. */
  readonly bootstrap: Uint8Array
  readonly blobs: readonly DiskBlob[]
  /** Bytes, a multiple of `blockSize`. */
  readonly size: number
}

/**
 * Reads the places out of the device table. Builders before 2.3 left them 0: such a bootstrap gets places, in a copy.
 * @throws {FormatError} ERR_FORMAT_UNSUPPORTED_VERSION for RAFS v5, ERR_FORMAT_CORRUPT when blobs overlap.
 */
export function planDisk(bootstrap: Bootstrap): DiskLayout {
  if (bootstrap.fsVersion !== 6) {
    throw new FormatError('ERR_FORMAT_UNSUPPORTED_VERSION', 'a RAFS v5 image cannot be a block device', {
      details: { expected: 6, found: bootstrap.fsVersion },
      hint: 'convert the image to RAFS v6 first',
    })
  }
  const { blockSize, blobs } = bootstrap
  const slots = decodeDeviceSlots(bootstrap.bytes, blobs.length)
  const bytes = slots.every(({ mappedBlockAddr }) => mappedBlockAddr === 0)
    ? withSlots(bootstrap, planDeviceSlots(blobs, bootstrap.bytes.length, blockSize))
    : bootstrap.bytes
  let end = bytes.length
  const placed = decodeDeviceSlots(bytes, blobs.length).map((slot, blobIndex): DiskBlob => {
    const offset = slot.mappedBlockAddr * blockSize
    const size = alignUp(blobs[blobIndex]?.uncompressedSize ?? 0, blockSize)
    if (offset < end) throw overlapping(blobIndex, offset, end)
    end = offset + size
    return { blobIndex, offset, size }
  })
  return { blockSize, bootstrap: bytes, blobs: placed, size: end }
}

function withSlots(bootstrap: Bootstrap, slots: readonly DeviceSlot[]): Uint8Array {
  const bytes = bootstrap.bytes.slice()
  bytes.set(encodeDeviceSlots(slots), DEVICE_TABLE_OFFSET)
  return bytes
}

function overlapping(blobIndex: number, offset: number, end: number): FormatError {
  return new FormatError(
    'ERR_FORMAT_CORRUPT',
    `blob ${blobIndex} is mapped at 0x${offset.toString(16)}, what precedes it ends at 0x${end.toString(16)}`,
    { details: { blobIndex, offset, end } },
  )
}
