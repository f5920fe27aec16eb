// SPDX-License-Identifier: Apache-2.0
/** The EROFS device table: one slot a blob, for kernels that mount the bootstrap themselves. */
import { alignUp, checkRange } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { asciiBytes, bytesText } from '../byte-text.ts'
import { DEVICE_TABLE_OFFSET, DeviceSlot as SlotRecord } from '../layout/erofs.ts'
import { V6_MAPPED_ALIGNMENT } from '../layout/v6.ts'

/** Block addresses are u32. */
const MAX_BLOCKS = 2 ** 32

/** One device of the table; slot k is blob k. */
export interface DeviceSlot {
  readonly blobId: string
  /** Whole blocks of the uncompressed blob. */
  readonly blocks: number
  /** Block address of the blob in a flat disk image; 0 from builders before 2.3. */
  readonly mappedBlockAddr: number
}

/** Slots back to back. */
export function encodeDeviceSlots(slots: readonly DeviceSlot[]): Uint8Array {
  return SlotRecord.encodeTable(slots)
}

/** Reads `count` slots of a bootstrap. @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE */
export function decodeDeviceSlots(bytes: Uint8Array, count: number): readonly DeviceSlot[] {
  checkRange(DEVICE_TABLE_OFFSET, count * SlotRecord.size, bytes.length, 'device table')
  return Array.from({ length: count }, (_, i) => {
    const slot = SlotRecord.decode(bytes, DEVICE_TABLE_OFFSET + i * SlotRecord.size)
    // Nothing but the blob table is believed about ids, so this one is only shown: never raw.
    return { ...slot, blobId: bytesText(asciiBytes(slot.blobId)) }
  })
}

/**
 * Slots for `blobs` behind a bootstrap, as current builders place them: each at the next multiple of 512 KiB.
 * @param bootstrapSize bytes of the finished bootstrap.
 * @throws {FormatError} ERR_FORMAT_OUT_OF_RANGE when the flat image would need more than 2^32 blocks.
 */
export function planDeviceSlots(
  blobs: readonly { readonly blobId: string; readonly uncompressedSize: number }[],
  bootstrapSize: number,
  blockSize: number,
): readonly DeviceSlot[] {
  let position = bootstrapSize
  return blobs.map(({ blobId, uncompressedSize }) => {
    const mapped = alignUp(position, V6_MAPPED_ALIGNMENT)
    const blocks = Math.floor(uncompressedSize / blockSize)
    position = mapped + blocks * blockSize
    if (position / blockSize > MAX_BLOCKS) {
      throw new FormatError(
        'ERR_FORMAT_OUT_OF_RANGE',
        `blobs need more than 2^32 blocks of ${blockSize} bytes`,
        {
          details: { blobId, uncompressedSize, blockSize },
        },
      )
    }
    return { blobId, blocks, mappedBlockAddr: mapped / blockSize }
  })
}
