// SPDX-License-Identifier: Apache-2.0
/**
 * Finding the sections of a layer blob from its end.
 *
 *   … · bootstrap · trailer(image.boot) · ToC entries · trailer(rafs.blob.toc)      with ToC
 *   … · bootstrap · trailer(image.boot)                                            without
 */
import { checkRange } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { quotedText } from '../byte-text.ts'
import { TAR_HEADER_BYTES } from '../layout/tar.ts'
import { TOC_ENTRY_NAMES, TocEntry } from '../layout/toc.ts'
import { decodeTarTrailer, type TarTrailer } from './tar-trailer.ts'
import { decodeToc, type TocSection } from './toc.ts'

/** What the end of a layer blob tells. Offsets count from the start of the blob. */
export interface BlobSections {
  /** Place of the ToC with its trailer: what `tocSize` and `tocDigest` of the blob table describe. */
  readonly toc: { readonly offset: number; readonly size: number } | undefined
  /** Sections in ToC order; without a ToC only `image.boot`, with an all-zero digest. */
  readonly sections: readonly TocSection[]
  /** The section of a name, if the blob has it. */
  find(name: (typeof TOC_ENTRY_NAMES)[keyof typeof TOC_ENTRY_NAMES]): TocSection | undefined
}

/** Enough for every ToC: five entries and a trailer are 1152 bytes. */
const TAIL_BYTES = 4096

/** How many bytes of the end of a blob of `blobSize` bytes to fetch for `locateBlobSections`. */
export function blobTailSize(blobSize: number): number {
  return Math.min(TAIL_BYTES, blobSize - (blobSize % TocEntry.size))
}

/**
 * Reads trailer and ToC.
 * @param tail the last bytes of the blob, `blobTailSize(blobSize)` of them or more.
 * @throws {FormatError} ERR_FORMAT_BAD_MAGIC when the blob ends with neither a ToC nor a bootstrap,
 *   ERR_FORMAT_TRUNCATED when `tail` is too short, ERR_FORMAT_OUT_OF_RANGE when a section leaves the blob.
 */
export function locateBlobSections(tail: Uint8Array, blobSize: number): BlobSections {
  const trailer = lastTrailer(tail, blobSize)
  const end = blobSize - TAR_HEADER_BYTES
  if (trailer.name === TOC_ENTRY_NAMES.TOC) return fromToc(tail, trailer, blobSize)
  if (trailer.name !== TOC_ENTRY_NAMES.BOOTSTRAP)
    throw noSections(`it ends with section ${quotedText(trailer.name)}`)
  checkRange(end - trailer.size, trailer.size, blobSize, 'bootstrap section')
  const bootstrap: TocSection = {
    name: trailer.name,
    compressor: 'none',
    digest: new Uint8Array(32),
    compressedOffset: end - trailer.size,
    compressedSize: trailer.size,
    uncompressedSize: trailer.size,
  }
  return describe(undefined, [bootstrap])
}

function fromToc(tail: Uint8Array, trailer: TarTrailer, blobSize: number): BlobSections {
  const size = trailer.size + TAR_HEADER_BYTES
  if (size > tail.length) {
    throw new FormatError(
      'ERR_FORMAT_TRUNCATED',
      `ToC of ${size} bytes, the blob's last ${tail.length} bytes were given`,
      {
        details: { expected: size, found: tail.length },
      },
    )
  }
  const entries = decodeToc(tail.subarray(tail.length - size, tail.length - TAR_HEADER_BYTES))
  const sections = entries.map(withDataOffset)
  const offset = blobSize - size
  for (const section of sections) {
    checkRange(
      section.compressedOffset,
      section.compressedSize,
      offset,
      `section ${quotedText(section.name)}`,
    )
  }
  return describe({ offset, size }, sections)
}

/** Builders before 2.2.0-rc.3 wrote the size of the data where its offset, 0, belongs. */
function withDataOffset(section: TocSection): TocSection {
  const misplaced =
    section.name === TOC_ENTRY_NAMES.BLOB &&
    section.compressedOffset === section.compressedSize &&
    section.compressedSize > 0
  return misplaced ? { ...section, compressedOffset: 0 } : section
}

function describe(toc: BlobSections['toc'], sections: readonly TocSection[]): BlobSections {
  return { toc, sections, find: (name) => sections.find((section) => section.name === name) }
}

function lastTrailer(tail: Uint8Array, blobSize: number): TarTrailer {
  if (tail.length < TAR_HEADER_BYTES || tail.length > blobSize) {
    throw new FormatError(
      'ERR_FORMAT_TRUNCATED',
      `last ${tail.length} bytes of a blob of ${blobSize} hold no trailer`,
      {
        details: { found: tail.length, blobSize },
      },
    )
  }
  try {
    return decodeTarTrailer(tail.subarray(tail.length - TAR_HEADER_BYTES))
  } catch (cause) {
    throw noSections('its last 512 bytes are no tar trailer', cause)
  }
}

function noSections(reason: string, cause?: unknown): FormatError {
  return new FormatError(
    'ERR_FORMAT_BAD_MAGIC',
    `no table of contents and no bootstrap in this blob: ${reason}`,
    { cause },
  )
}
