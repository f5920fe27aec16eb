// SPDX-License-Identifier: Apache-2.0
/** The table of contents at the end of a layer blob. */
import { bytes, cstring, defineStruct, reserved, u32, u64 } from '@nydus/base/binary'

export const TOC_FLAGS = { NONE: 0x1, ZSTD: 0x2, LZ4_BLOCK: 0x4, MASK: 0xf } as const

/** Names of the sections of a layer blob; `rafs.blob.toc` is only a tar header's name, never an entry. */
export const TOC_ENTRY_NAMES = {
  BLOB: 'image.blob',
  META: 'blob.meta',
  META_HEADER: 'blob.meta.header',
  DIGEST: 'blob.digest',
  BOOTSTRAP: 'image.boot',
  TOC: 'rafs.blob.toc',
} as const

export const TocEntry = defineStruct('TocEntry', 128, {
  flags: u32, // TOC_FLAGS
  reserved0: reserved(4),
  name: cstring(16), // TOC_ENTRY_NAMES, no NUL when 16 characters long
  digest: bytes(32), // SHA-256 of the uncompressed content
  compressedOffset: u64, // of the stored content
  compressedSize: u64, // bytes as stored
  uncompressedSize: u64,
  reserved1: reserved(48), // old writers left four bytes of garbage at 124
})
