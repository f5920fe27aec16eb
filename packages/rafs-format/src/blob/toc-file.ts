// SPDX-License-Identifier: Apache-2.0
/** `<blob id>.blob.toc` in cache directories: the ToC entries with their tar trailer, as they end the blob. */
import { FormatError } from '@nydus/base/error'
import { quotedText } from '../byte-text.ts'
import { TAR_HEADER_BYTES } from '../layout/tar.ts'
import { TOC_ENTRY_NAMES } from '../layout/toc.ts'
import { decodeTarTrailer, encodeTarTrailer } from './tar-trailer.ts'
import { decodeToc, encodeToc, type TocSection } from './toc.ts'

/**
 * Reads a ToC file. Digests are views into `bytes`.
 * @throws {FormatError} ERR_FORMAT_TRUNCATED, ERR_FORMAT_CHECKSUM_MISMATCH when it does not end with a tar trailer,
 *   ERR_FORMAT_CORRUPT when that is none of a ToC of this size, and what `decodeToc` throws.
 */
export function parseTocFile(bytes: Uint8Array): readonly TocSection[] {
  const end = Math.max(0, bytes.length - TAR_HEADER_BYTES)
  const { name, size } = decodeTarTrailer(bytes.subarray(end))
  if (name === TOC_ENTRY_NAMES.TOC && size === end) return decodeToc(bytes.subarray(0, end))
  throw new FormatError(
    'ERR_FORMAT_CORRUPT',
    `ToC file of ${bytes.length} bytes ends with section ${quotedText(name)} of ${size}`,
    { details: { name, found: size, expected: end } },
  )
}

/** The bytes of a ToC file, which are those at the end of the blob. Throws like `encodeToc`. */
export function formatTocFile(sections: readonly TocSection[]): Uint8Array {
  const entries = encodeToc(sections)
  const file = new Uint8Array(entries.length + TAR_HEADER_BYTES)
  file.set(entries)
  file.set(encodeTarTrailer(TOC_ENTRY_NAMES.TOC, entries.length), entries.length)
  return file
}
