// SPDX-License-Identifier: Apache-2.0
/** An image back to the tar of a layer: bootstrap and blobs in, OCI tar out, as a stream. */
import { DigestError, isNydusError } from '@nydus/base/error'
import { type Bootstrap, type ChunkInfo, openBootstrap } from '@nydus/rafs-format'
import { BuildError } from '../build-error.ts'
import type { ChunkReader } from '../chunk-reader.ts'
import type { BlobSink } from '../layer/build-options.ts'
import { TAR_BLOCK_BYTES } from '../tar/layout.ts'
import { paddingAfter } from '../tar/tar-padding.ts'
import { imageEntries } from './image-entries.ts'
import { type ByteTask, inOrder, type Piece } from './in-order.ts'
import { encodeTarEntry } from './tar-entry.ts'
import { TarOutput } from './tar-output.ts'

/** What an image is unpacked from and to. */
export interface UnpackInput {
  readonly bootstrap: Uint8Array | Bootstrap
  /** Reads the blobs of this bootstrap. */
  readonly chunks: ChunkReader
  /** Receives the tar in order. */
  readonly output: BlobSink
  /** Bytes of chunks that are read ahead, default 16 MiB. */
  readonly maxInFlightBytes?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: UnpackProgress) => void
}

/** How far it is. */
export interface UnpackProgress {
  readonly entries: number
  /** Bytes of the tar. */
  readonly bytes: number
}

/** What came out. */
export interface UnpackResult {
  /** Entries of the tar, the root included. */
  readonly entries: number
  /** Bytes of the tar. */
  readonly size: number
  /** Paths left out because no tar can hold them: sockets. */
  readonly skipped: readonly string[]
}

const DEFAULT_IN_FLIGHT_BYTES = 16 * 1024 * 1024
/** A tar ends with two zero blocks. */
const END_BYTES = 2 * TAR_BLOCK_BYTES

/**
 * Unpacks an image of any kind. Fed to `buildLayer`, the tar gives the same file system again. Directories come before
 * what is in them, siblings in bytewise order; whiteouts of a single layer stay; the root has an entry `./`; owners
 * have no names. The same image gives the same bytes. Memory: `maxInFlightBytes`, and the paths of hard-linked files.
 * @throws {FormatError} for a damaged bootstrap, {DigestError} ERR_SIZE_MISMATCH for a chunk of another length,
 *   {BuildError} ERR_BUILD_UNSUPPORTED_ENTRY for what no tar can hold, ERR_INTERRUPTED for an abort without a coded
 *   reason, and what `chunks` and `output` throw. What was written until then stays.
 * @example
 * await unpackImage({ bootstrap, chunks, output: { write: (bytes) => file.appendFile(bytes) } })
 */
export async function unpackImage(input: UnpackInput): Promise<UnpackResult> {
  const { output: sink, signal } = input
  const bootstrap = input.bootstrap instanceof Uint8Array ? openBootstrap(input.bootstrap) : input.bootstrap
  const output = new TarOutput(sink)
  const state = { entries: 0, skipped: [] as string[] }
  const pieces = tarPieces(bootstrap, input.chunks, state)
  try {
    for await (const bytes of inOrder(pieces, input.maxInFlightBytes ?? DEFAULT_IN_FLIGHT_BYTES, signal)) {
      await output.write(bytes)
      input.onProgress?.({ entries: state.entries, bytes: output.size })
    }
    await output.flush()
  } catch (cause) {
    throw signal?.aborted ? interrupted(signal) : cause
  }
  return { entries: state.entries, size: output.size, skipped: state.skipped }
}

function* tarPieces(
  bootstrap: Bootstrap,
  chunks: ChunkReader,
  state: { entries: number; readonly skipped: string[] },
): Generator<Piece, void, undefined> {
  for (const entry of imageEntries(bootstrap, (path) => state.skipped.push(path))) {
    yield encodeTarEntry(entry)
    for (const chunk of entry.chunks) yield readTask(chunks, chunk)
    const padding = paddingAfter(entry.size)
    if (padding > 0) yield new Uint8Array(padding)
    state.entries += 1
  }
  yield new Uint8Array(END_BYTES)
}

function readTask(chunks: ChunkReader, chunk: ChunkInfo): ByteTask {
  const size = chunk.uncompressedSize
  return {
    size,
    async start(signal) {
      const bytes = await chunks.readChunk(chunk.blobIndex, chunk, signal)
      if (bytes.length === size) return bytes
      const { blobIndex, chunkIndex } = chunk
      throw new DigestError(
        'ERR_SIZE_MISMATCH',
        `chunk ${chunkIndex} of blob ${blobIndex} has ${bytes.length} bytes, expected ${size}`,
        { details: { blobIndex, chunkIndex, expected: size, found: bytes.length } },
      )
    },
  }
}

function interrupted(signal: AbortSignal): unknown {
  const cause: unknown = signal.reason
  return isNydusError(cause) ? cause : new BuildError('ERR_INTERRUPTED', 'unpacking was aborted', { cause })
}
