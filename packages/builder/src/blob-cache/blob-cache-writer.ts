// SPDX-License-Identifier: Apache-2.0
/** Fills a daemon's cache directory at build time: `<id>.blob.data`, the uncompressed blob, and `<id>.blob.meta`. */
import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { alignUp } from '@nydus/base/binary'
import type { ChunkCache } from '../blob/blob-data.ts'
import { BuildError } from '../build-error.ts'
import type { BlobSink } from '../layer/build-options.ts'

/** Takes a blob that nobody wants: a build that only fills a cache. */
export const DISCARD_SINK: BlobSink = { write: () => undefined, givesBack: true }

/** The cache files of one blob, to be given to a build as `blobCache`. */
export interface BlobCacheWriter extends ChunkCache {
  /**
   * Gives the files their names, once the build is done.
   * @param blobId as the bootstrap has it.
   * @param blobMeta of the build; undefined for a layer without data, which leaves no files.
   * @throws {BuildError} ERR_BUILD_IO or ERR_NO_SPACE; then no files are left either.
   */
  finish(blobId: string, blobMeta: Uint8Array | undefined): Promise<void>
  /** Removes what was written. Does nothing after `finish`. */
  abort(): Promise<void>
}

/** Bytes of one write. */
const WRITE_BYTES = 1 << 20
const CHUNK_ALIGNMENT = 4096

/**
 * Starts cache files under temporary names.
 * @param directory made if it does not exist.
 * @throws {BuildError} ERR_BUILD_IO when nothing can be written there.
 */
export async function openBlobCacheWriter(directory: string): Promise<BlobCacheWriter> {
  const data = join(directory, `.${randomUUID()}.blob.data`)
  const file = await coded(directory, async () => {
    await mkdir(directory, { recursive: true })
    return await open(data, 'wx', 0o644)
  })
  return new CacheFiles(directory, data, file)
}

class CacheFiles implements BlobCacheWriter {
  readonly #directory: string
  readonly #dataPath: string
  readonly #file: FileHandle
  #full: { readonly offset: number; readonly bytes: Uint8Array }[] = []
  /** The bytes of the blob from `#start` on. */
  #buffer = new Uint8Array(WRITE_BYTES)
  #start = 0
  #end = 0
  #closed = false

  constructor(directory: string, dataPath: string, file: FileHandle) {
    this.#directory = directory
    this.#dataPath = dataPath
    this.#file = file
  }

  put(uncompressedOffset: number, plain: Uint8Array): void {
    if (uncompressedOffset < this.#end) throw new RangeError('a chunk before the one before it')
    // Gaps stay zero: buffers are never used twice.
    for (let at = 0; at < plain.length; ) {
      const offset = uncompressedOffset + at
      if (offset >= this.#start + WRITE_BYTES) this.#turnOver(offset)
      const piece = plain.subarray(at, at + this.#start + WRITE_BYTES - offset)
      this.#buffer.set(piece, offset - this.#start)
      at += piece.length
      this.#end = offset + piece.length
    }
  }

  flush(): Promise<void> {
    return coded(this.#dataPath, async () => {
      const full = this.#full
      this.#full = []
      for (const { offset, bytes } of full) await this.#write(bytes, offset)
    })
  }

  async finish(blobId: string, blobMeta: Uint8Array | undefined): Promise<void> {
    if (blobMeta === undefined) return this.abort()
    try {
      const size = alignUp(this.#end, CHUNK_ALIGNMENT)
      this.#turnOver(size)
      await this.flush()
      await coded(this.#directory, async () => {
        await this.#file.truncate(size)
        await this.#close()
        const target = join(this.#directory, `${blobId}.blob`)
        const meta = `${this.#dataPath}.meta`
        await writeFile(meta, blobMeta, { flag: 'wx', mode: 0o644 })
        await rename(meta, `${target}.meta`)
        await rename(this.#dataPath, `${target}.data`)
      })
    } catch (cause) {
      await this.abort()
      throw cause
    }
  }

  async abort(): Promise<void> {
    await this.#close()
    await rm(this.#dataPath, { force: true })
    await rm(`${this.#dataPath}.meta`, { force: true })
  }

  async #close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#file.close()
  }

  /** Ends the buffer; the next one starts at the write boundary before `offset`. */
  #turnOver(offset: number): void {
    if (this.#end > this.#start) {
      this.#full.push({ offset: this.#start, bytes: this.#buffer.subarray(0, this.#end - this.#start) })
    }
    this.#buffer = new Uint8Array(WRITE_BYTES)
    this.#start = offset - (offset % WRITE_BYTES)
  }

  async #write(bytes: Uint8Array, offset: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at, offset + at)
      at += bytesWritten
    }
  }
}

async function coded<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    const full =
      cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
    throw new BuildError(
      full ? 'ERR_NO_SPACE' : 'ERR_BUILD_IO',
      `the blob cache at ${path} cannot be written`,
      {
        cause,
        details: { path },
      },
    )
  }
}
