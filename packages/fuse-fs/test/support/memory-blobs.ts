// SPDX-License-Identifier: Apache-2.0
/** A BlobRangeReader over blobs in memory: decoded into temporary files, at once or when asked for. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { decompressExact } from '@nydus/base/compress'
import { type Bootstrap, type ChunkInfo, isCompressedChunk } from '@nydus/rafs-format'
import type { BlobRangeReader, SharedBlobView } from '../../src/blob-range-reader.ts'

/** `ready`: all chunks decoded when a blob is opened. `lazy`: each when it is filled. The rest: faults. */
export type BlobMode = 'ready' | 'lazy' | 'failing' | 'hanging' | 'empty-file'

/** The reader, with what it was asked. */
export interface MemoryBlobs extends BlobRangeReader {
  readonly fills: { readonly blobIndex: number; readonly offset: number; readonly length: number }[]
  opens: number
  close(): void
}

/** Serves the blobs of a bootstrap. @param delayMs how long each fill takes. */
export function createMemoryBlobs(
  bootstrap: Bootstrap,
  blobOf: (blobId: string) => Uint8Array,
  mode: BlobMode,
  delayMs = 0,
): MemoryBlobs {
  const opened = new Map<number, DecodedBlob>()
  return {
    fills: [],
    opens: 0,
    async open(blobIndex) {
      this.opens += 1
      if (mode === 'failing' && this.opens % 2 === 1) throw new Error(`blob ${blobIndex} cannot be opened`)
      const decoded = createDecodedBlob(bootstrap, blobIndex, blobOf)
      opened.set(blobIndex, decoded)
      if (mode === 'ready') for (const chunk of decoded.chunks.keys()) decoded.decode(chunk)
      if (mode === 'empty-file') decoded.markAll()
      return decoded.view
    },
    async fill(blobIndex, { offset, length }) {
      this.fills.push({ blobIndex, offset, length })
      if (mode === 'hanging') await new Promise(() => {})
      if (delayMs > 0) await sleep(delayMs)
      if (mode === 'failing') throw new Error('the registry is gone')
      const decoded = opened.get(blobIndex)
      decoded?.chunks.forEach((chunk, index) => {
        const isTouched =
          chunk.uncompressedOffset < offset + length &&
          chunk.uncompressedOffset + chunk.uncompressedSize > offset
        if (isTouched && mode !== 'empty-file') decoded.decode(index)
      })
    },
    close() {
      for (const { view } of opened.values()) closeSync(view.fd)
    },
  }
}

/** A file without a name: nothing stays behind when the process is killed. */
function openUnnamedFile(): number {
  const directory = mkdtempSync(join(tmpdir(), 'fuse-fs-test-'))
  const fd = openSync(join(directory, 'blob'), 'w+')
  rmSync(directory, { recursive: true })
  return fd
}

interface DecodedBlob {
  readonly view: SharedBlobView
  readonly chunks: readonly ChunkInfo[]
  decode(index: number): void
  markAll(): void
}

function createDecodedBlob(
  bootstrap: Bootstrap,
  blobIndex: number,
  blobOf: (blobId: string) => Uint8Array,
): DecodedBlob {
  const info = bootstrap.blobs[blobIndex]
  if (info === undefined) throw new Error(`no blob ${blobIndex}`)
  const bytes = blobOf(info.blobId)
  const chunks = [...bootstrap.chunkTable()]
    .filter((chunk) => chunk.blobIndex === blobIndex)
    .sort((left, right) => left.uncompressedOffset - right.uncompressedOffset)
  const fd = openUnnamedFile()
  const view: SharedBlobView = {
    blobIndex,
    fd,
    uncompressedSize: info.uncompressedSize,
    chunkStarts: Float64Array.from(chunks, (chunk) => chunk.uncompressedOffset),
    chunkSizes: Uint32Array.from(chunks, (chunk) => chunk.uncompressedSize),
    readyBits: new Uint8Array(new SharedArrayBuffer(Math.ceil(chunks.length / 8))),
  }
  const mark = (index: number): void => void Atomics.or(view.readyBits, index >> 3, 0x80 >> (index & 7))
  return {
    view,
    chunks,
    decode(index) {
      const chunk = chunks[index]
      if (chunk === undefined) return
      ftruncateSync(fd, info.uncompressedSize)
      const stored = bytes.subarray(chunk.compressedOffset, chunk.compressedOffset + chunk.compressedSize)
      const plain = isCompressedChunk(chunk)
        ? decompressExact(info.compressor, stored, chunk.uncompressedSize)
        : stored
      writeSync(fd, plain, 0, plain.length, chunk.uncompressedOffset)
      mark(index)
    },
    markAll() {
      for (const index of chunks.keys()) mark(index)
    },
  }
}
