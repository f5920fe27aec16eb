// SPDX-License-Identifier: Apache-2.0
/** Writes an OCI archive: members go to a hidden file beside the target, which gets its name only when it is complete. */
import { type FileHandle, rename, rm } from 'node:fs/promises'
import { alignUp } from '@nydus/base/binary'
import {
  openNew,
  readExactly,
  removeAtExit,
  scratchPath,
  writeError,
  writeExactly,
} from '../local/file-io.ts'
import { LAYOUT_VERSION_FILE } from '../local/layout-index.ts'
import type { MemberFiles } from '../local/member.ts'
import { encodeTarHeader, TAR_BLOCK_BYTES } from './tar-header.ts'
import type { TarExtent } from './tar-index.ts'

/** An archive that is being written. Calls must not overlap. */
export interface ArchiveWriter {
  /** What was written so far; closing it does nothing. */
  readonly files: MemberFiles
  /** Appends a member. When `content` throws, or is not `size` bytes, the archive is as it was before. */
  append(name: string, size: number, content: AsyncIterable<Uint8Array>): Promise<void>
  /** Writes `index.json` and the end, and puts the archive under its name. */
  finish(index: Uint8Array): Promise<void>
  /** Removes everything. */
  abandon(): Promise<void>
}

const END_BYTES = 2 * TAR_BLOCK_BYTES

/** Starts an archive that will replace `path`. */
export async function createArchiveWriter(path: string): Promise<ArchiveWriter> {
  const scratch = scratchPath(path)
  const handle = await openNew(scratch)
  const keep = removeAtExit(scratch)
  const extents = new Map<string, TarExtent>()
  let end = 0

  async function append(
    name: string,
    size: number,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    const offset = end + TAR_BLOCK_BYTES
    let position = offset
    await writeExactly(handle, scratch, encodeTarHeader(name, size, '0'), end)
    for await (const bytes of content) {
      await writeExactly(handle, scratch, bytes, position)
      position += bytes.length
    }
    if (position - offset !== size)
      throw new RangeError(`${name}: ${position - offset} bytes written, ${size} announced`)
    const next = alignUp(position, TAR_BLOCK_BYTES)
    // A failed member may have left longer content here.
    await writeExactly(handle, scratch, new Uint8Array(next - position), position)
    extents.set(name, { offset, size })
    end = next
  }

  async function appendDirectory(name: string): Promise<void> {
    await writeExactly(handle, scratch, encodeTarHeader(name, 0, '5'), end)
    end += TAR_BLOCK_BYTES
  }

  async function begin(): Promise<void> {
    const version = Buffer.from(LAYOUT_VERSION_FILE)
    await append('oci-layout', version.length, [version])
    await appendDirectory('blobs/')
    await appendDirectory('blobs/sha256/')
  }

  async function abandon(): Promise<void> {
    await handle.close().catch(() => {})
    await rm(scratch, { force: true })
    keep()
  }

  async function finish(index: Uint8Array): Promise<void> {
    try {
      await append('index.json', index.length, [index])
      await writeExactly(handle, scratch, new Uint8Array(END_BYTES), end)
      await handle.truncate(end + END_BYTES)
      await handle.close()
      await rename(scratch, path)
      keep()
    } catch (error) {
      await abandon()
      throw writeError(path, error)
    }
  }

  await begin().catch(async (error) => {
    await abandon()
    throw error
  })
  return { files: writtenFiles(handle, scratch, extents), append, finish, abandon }
}

function writtenFiles(
  handle: FileHandle,
  scratch: string,
  extents: ReadonlyMap<string, TarExtent>,
): MemberFiles {
  return {
    async open(name) {
      const extent = extents.get(name)
      if (extent === undefined) return undefined
      return {
        size: extent.size,
        read: (offset, length) => readExactly(handle, scratch, extent.offset + offset, length),
        close: async () => {},
      }
    },
    close: async () => {},
  }
}
