// SPDX-License-Identifier: Apache-2.0
/** The table of contents of a layer blob: which section is where, how compressed, with which digest. */
import type { Compressor } from '@nydus/base/compress'
import { FormatError } from '@nydus/base/error'
import { quotedText } from '../byte-text.ts'
import { TOC_FLAGS, TocEntry } from '../layout/toc.ts'

/** One entry of the table of contents. */
export interface TocSection {
  /** One of TOC_ENTRY_NAMES. */
  readonly name: string
  /** TOC_FLAGS as stored; derived from `compressor` when left out. */
  readonly flags?: number
  readonly compressor: Compressor
  /** 32-byte SHA-256 of the uncompressed content. */
  readonly digest: Uint8Array
  /** Where the stored content starts in the blob. */
  readonly compressedOffset: number
  /** Bytes as stored. */
  readonly compressedSize: number
  /** Bytes. */
  readonly uncompressedSize: number
}

const FLAG_OF: Readonly<Partial<Record<Compressor, number>>> = {
  none: TOC_FLAGS.NONE,
  zstd: TOC_FLAGS.ZSTD,
  lz4_block: TOC_FLAGS.LZ4_BLOCK,
}

/** Entries back to back, without the tar trailer. @throws {FormatError} ERR_FORMAT_UNSUPPORTED_COMPRESSION for gzip. */
export function encodeToc(sections: readonly TocSection[]): Uint8Array {
  return TocEntry.encodeTable(
    sections.map(({ compressor, ...members }) => ({
      ...members,
      flags: members.flags ?? flagOf(compressor),
    })),
  )
}

/**
 * Reads all entries of a ToC without its trailer. Digests are views into `bytes`.
 * @throws {FormatError} ERR_FORMAT_MISALIGNED when `bytes` is not a multiple of 128, ERR_FORMAT_UNSUPPORTED_COMPRESSION.
 */
export function decodeToc(bytes: Uint8Array): readonly TocSection[] {
  if (bytes.length % TocEntry.size !== 0) {
    throw new FormatError(
      'ERR_FORMAT_MISALIGNED',
      `ToC of ${bytes.length} bytes is not a multiple of ${TocEntry.size}`,
      {
        details: { size: bytes.length },
      },
    )
  }
  return Array.from({ length: bytes.length / TocEntry.size }, (_, i) => {
    const entry = TocEntry.decode(bytes, i * TocEntry.size)
    return { ...entry, compressor: compressorOf(entry.flags, entry.name) }
  })
}

function flagOf(compressor: Compressor): number {
  const flag = FLAG_OF[compressor]
  if (flag !== undefined) return flag
  throw new FormatError('ERR_FORMAT_UNSUPPORTED_COMPRESSION', `a ToC cannot name compressor ${compressor}`)
}

function compressorOf(flags: number, name: string): Compressor {
  const known = flags & TOC_FLAGS.MASK
  if (known === TOC_FLAGS.NONE) return 'none'
  if (known === TOC_FLAGS.ZSTD) return 'zstd'
  if (known === TOC_FLAGS.LZ4_BLOCK) return 'lz4_block'
  throw new FormatError(
    'ERR_FORMAT_UNSUPPORTED_COMPRESSION',
    `ToC entry ${quotedText(name)} has compressor flags 0x${flags.toString(16)}`,
    { details: { name, flags } },
  )
}
