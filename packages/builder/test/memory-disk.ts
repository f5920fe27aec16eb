// SPDX-License-Identifier: Apache-2.0
/** A disk image in memory. */
import type { DiskSink } from '../src/export/disk-sink.ts'

/** Grows as it is written; what was not written is zero. */
export function memoryDisk(): DiskSink & { bytes(): Uint8Array; writes: number } {
  let content = new Uint8Array(0)
  const grow = (size: number) => {
    if (size <= content.length) return
    const larger = new Uint8Array(size)
    larger.set(content)
    content = larger
  }
  const disk = {
    writes: 0,
    bytes: () => content,
    async setSize(size: number) {
      grow(size)
    },
    async writeAt(bytes: Uint8Array, position: number) {
      disk.writes += 1
      grow(position + bytes.length)
      content.set(bytes, position)
    },
  }
  return disk
}
