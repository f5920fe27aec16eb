// SPDX-License-Identifier: Apache-2.0
/** Copies chunks of an image into one new blob. */
import { type Bootstrap, type ChunkInfo, SUPER_FLAGS } from '@nydus/rafs-format'
import type { BlobDescription } from '../bootstrap/write-bootstrap.ts'
import { BuildError } from '../build-error.ts'
import { digestKey } from '../chunk/chunk-dict.ts'
import type { ChunkReader } from '../chunk-reader.ts'
import type { ChunkCompressor } from '../layer/build-options.ts'
import { loadChunks } from './load-chunks.ts'
import type { CreateBlob } from './new-blob.ts'
import { RepackedBlob, type RepackPlan } from './repacked-blob.ts'

/** Where chunks are in the new blob. */
export interface ChunkPlaces {
  /** The record of a chunk with the same content; `blobIndex` and `fileOffset` are not set to anything useful. */
  find(chunk: ChunkInfo): ChunkInfo | undefined
}

/** What `repackBlob` needs of its callers' inputs. */
export interface RepackInput {
  readonly reader: ChunkReader
  readonly createBlob: CreateBlob
  readonly signal?: AbortSignal
}

/** A new blob. */
export interface Repacked {
  readonly description: BlobDescription
  readonly places: ChunkPlaces
  /** Bytes of the file. */
  readonly size: number
}

/**
 * The compressor of new blobs of an image.
 * @throws {BuildError} ERR_BUILD_OPTION_CONFLICT for a v5 image of stargz layers, whose blobs have one compressor for all.
 */
export function writableCompressor({ compressor, fsVersion }: Bootstrap): ChunkCompressor {
  if (compressor !== 'gzip') return compressor
  if (fsVersion === 6) return 'zstd'
  throw new BuildError(
    'ERR_BUILD_OPTION_CONFLICT',
    'chunks of a RAFS v5 image of gzip layers cannot be moved',
    {
      hint: 'convert the image again instead',
    },
  )
}

/**
 * Writes `chunks` in their order into a blob, equal ones once.
 * @param more settings besides those of the image.
 * @throws {DigestError} for damaged chunks, and what `reader` and the blob throw. On failure the blob is discarded.
 */
export async function repackBlob(
  source: Bootstrap,
  chunks: readonly ChunkInfo[],
  input: RepackInput,
  more: Partial<Pick<RepackPlan, 'trailer' | 'features'>> = {},
): Promise<Repacked> {
  const signal = input.signal ?? new AbortController().signal
  const plan = { ...planOf(source), ...more }
  const target = await input.createBlob()
  try {
    let size = 0
    const sink = {
      ...(target.sink.givesBack === true && { givesBack: true }),
      write(bytes: Uint8Array) {
        size += bytes.length
        return target.sink.write(bytes)
      },
    }
    const blob = new RepackedBlob(plan, sink, signal)
    const places = new Map<string, ChunkInfo>()
    for await (const loaded of loadChunks(source, distinct(chunks), plan.compressor, input.reader, signal)) {
      places.set(contentKey(loaded.chunk), await blob.add(loaded))
    }
    const description = await blob.finish()
    await target.commit(description.blobId)
    return { description, size, places: { find: (chunk) => places.get(contentKey(chunk)) } }
  } catch (error) {
    await target.discard()
    throw error
  }
}

function planOf(source: Bootstrap): RepackPlan {
  const { fsVersion, digester, flags } = source
  return {
    fsVersion,
    digester,
    compressor: writableCompressor(source),
    toc: fsVersion === 6 && (flags & SUPER_FLAGS.INLINED_CHUNK_DIGEST) !== 0n,
    trailer: false,
    encrypt: (flags & SUPER_FLAGS.ENCRYPTION_AES_128_XTS) !== 0n,
    features: 0,
  }
}

function distinct(chunks: readonly ChunkInfo[]): ChunkInfo[] {
  const first = new Map<string, ChunkInfo>()
  for (const chunk of chunks) if (!first.has(contentKey(chunk))) first.set(contentKey(chunk), chunk)
  return [...first.values()]
}

/** Two chunks of one blob must not have the same digest: the chunk table knows them by it. */
function contentKey({ digest, uncompressedSize }: ChunkInfo): string {
  return `${uncompressedSize}:${digestKey(digest)}`
}
