// SPDX-License-Identifier: Apache-2.0
/** Members of a small tar in memory, as bootstrap layers are. */
import { alignUp } from '@nydus/base/binary'
import { FormatError } from '@nydus/base/error'
import { decodeTarHeader, TAR_TYPE_REGULAR } from '../blob/tar-header.ts'
import { TAR_HEADER_BYTES } from '../layout/tar.ts'

/** A regular file of a tar. */
export interface TarMember {
  /** Path without leading `./` or `/`. */
  readonly path: string
  /** A view into the tar. */
  readonly content: Uint8Array
}

/**
 * Regular files of a tar; entries of other types, extended headers among them, are left out.
 * @throws {FormatError} ERR_FORMAT_TRUNCATED when the last content is cut, and what `decodeTarHeader` throws.
 */
export function* tarMembers(tar: Uint8Array): Generator<TarMember, void, undefined> {
  let at = 0
  while (at + TAR_HEADER_BYTES <= tar.length && !isZeroBlock(tar, at)) {
    const { name, size, type } = decodeTarHeader(tar.subarray(at))
    at += TAR_HEADER_BYTES
    if (size > tar.length - at) {
      throw new FormatError(
        'ERR_FORMAT_TRUNCATED',
        `tar member ${JSON.stringify(name)}: ${size} bytes at 0x${at.toString(16)}, ${tar.length - at} left`,
        {
          details: { name, offset: at, size },
        },
      )
    }
    if (type === TAR_TYPE_REGULAR)
      yield { path: name.replace(/^\.?\/+/, ''), content: tar.subarray(at, at + size) }
    at += alignUp(size, TAR_HEADER_BYTES)
  }
}

function isZeroBlock(tar: Uint8Array, at: number): boolean {
  return tar.subarray(at, at + TAR_HEADER_BYTES).every((byte) => byte === 0)
}
