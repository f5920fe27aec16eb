// SPDX-License-Identifier: Apache-2.0
/** What the builders of `create` are given, and what they give back. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { BlobDescription, BlobSink, ChunkDict, ChunkPool } from '@nydus/builder'
import { readFifo } from '../fifo.ts'
import { fileFailure } from '../file-failure.ts'
import type { OutputFile } from '../output-file.ts'
import type { CreatePlan } from './create-plan.ts'
import { readAhead } from './read-ahead.ts'

/** What to build. */
export interface WantedImage {
  readonly plan: CreatePlan
  readonly prefetchPatterns: readonly string[]
  /** Takes the bootstrap, so that a large one is never in memory as a whole; undefined for one inside the blob. */
  readonly bootstrapSink: BlobSink | undefined
}

/** One build. */
export interface BuildJob extends WantedImage {
  readonly dict: ChunkDict | undefined
  /** Bytes of the parent's bootstrap. */
  readonly parent: Uint8Array | undefined
  readonly output: OutputFile
  /** Threads start when it is first asked for. */
  readonly pool: ChunkPool
  readonly signal: AbortSignal
  /** Aborted when the build has ended as well: a source that waits for data would keep the process alive. */
  readonly sourceSignal: AbortSignal
}

/** What was built. */
export interface CreatedImage {
  /** Empty when the sink took it. */
  readonly bootstrap: Uint8Array
  /** Ids of the blob table, in its order. */
  readonly blobIds: readonly string[]
  /** Name of the blob's file in a directory. */
  readonly blobName: string
  /** Bytes that the summary shows. */
  readonly blobSize: number
  /** Present for sources that are directories. */
  readonly externalBootstrap?: Uint8Array
  readonly externalBlobIds?: readonly string[]
  /** Counts for the result file. */
  readonly events: Readonly<Record<string, number>>
}

/** Bytes of a piece of the source. */
const READ_BYTES = 1 << 20
/** The id of a blob in the bootstrap inside it. */
const PLACEHOLDER_ID = 'x'.repeat(64)

/** The source's bytes; a FIFO is read once. @throws {NydusError} ERR_BUILD_IO */
export function readSource(path: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
  return readPieces(path, signal, createReadStream)
}

/** `readSource` for a reader that needs a piece only until it asks for the next: without new memory for each. */
export function readOnce(path: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
  return readPieces(path, signal, readAhead)
}

async function* readPieces(
  path: string,
  signal: AbortSignal,
  readFile: (path: string, options: { highWaterMark: number }) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* (await stat(path)).isFIFO()
      ? readFifo(path, signal)
      : readFile(path, { highWaterMark: READ_BYTES })
  } catch (error) {
    throw fileFailure(error, 'read', path)
  }
}

/** Ids of a blob table in which the own blob may not know its name. */
export function tableIds(blobs: readonly BlobDescription[], ownId: string): string[] {
  return blobs.map(({ blobId }) => (blobId === PLACEHOLDER_ID ? ownId : blobId))
}
