// SPDX-License-Identifier: Apache-2.0
/** The bootstrap of a file that is either a bootstrap or a layer's whole blob with its bootstrap inside. */
import { decompressExact } from '@nydus/base/compress'
import { FormatError } from '@nydus/base/error'
import { blobTailSize, locateBlobSections } from '@nydus/rafs-format'
import { EROFS_MAGIC, EROFS_SUPER_OFFSET, V5_MAGIC } from '@nydus/rafs-format/layout'

/** A file to look into. */
export interface ReadableFile {
  /** Bytes. */
  readonly size: number
  /** @returns exactly `length` bytes, which stay as they are. */
  read(offset: number, length: number): Promise<Uint8Array>
}

/** What was found. */
export interface BootstrapFile {
  /** Decompressed. */
  readonly bootstrap: Uint8Array
  /** True when the file is a blob. Its own blob then goes by the file's name. */
  readonly isBlob: boolean
}

/** Bootstraps are addressed by 32-bit offsets, or by half of that. */
const MAX_BOOTSTRAP_BYTES = 2 ** 31
const SECTION = 'image.boot'

/**
 * Reads a bootstrap, or of a blob only the part that is one: `merge` of the original refuses whole blobs.
 * @throws {FormatError} ERR_FORMAT_BAD_MAGIC when the file is neither, ERR_FORMAT_OUT_OF_RANGE for more than 2 GiB, and
 *   {DigestError} for a damaged section; what `file` throws.
 */
export async function readBootstrapFile(file: ReadableFile): Promise<BootstrapFile> {
  if (await startsAsBootstrap(file)) {
    checkSize(file.size)
    return { bootstrap: await file.read(0, file.size), isBlob: false }
  }
  const tail = blobTailSize(file.size)
  const section = locateBlobSections(await file.read(file.size - tail, tail), file.size).find(SECTION)
  if (section === undefined) {
    throw new FormatError('ERR_FORMAT_BAD_MAGIC', 'this blob has no bootstrap inside', {
      hint: 'give the bootstrap that was built with the blob',
    })
  }
  checkSize(section.uncompressedSize)
  const stored = await file.read(section.compressedOffset, section.compressedSize)
  return { bootstrap: decompressExact(section.compressor, stored, section.uncompressedSize), isBlob: true }
}

async function startsAsBootstrap(file: ReadableFile): Promise<boolean> {
  const headSize = Math.min(file.size, EROFS_SUPER_OFFSET + 4)
  const head = await file.read(0, headSize)
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const magicAt = (offset: number) => (offset + 4 <= headSize ? view.getUint32(offset, true) : undefined)
  return magicAt(0) === V5_MAGIC || magicAt(EROFS_SUPER_OFFSET) === EROFS_MAGIC
}

function checkSize(size: number): void {
  if (size <= MAX_BOOTSTRAP_BYTES) return
  throw new FormatError(
    'ERR_FORMAT_OUT_OF_RANGE',
    `bootstrap of ${size} bytes, at most ${MAX_BOOTSTRAP_BYTES} can be read`,
    { details: { size, limit: MAX_BOOTSTRAP_BYTES } },
  )
}
