// SPDX-License-Identifier: Apache-2.0
/** Opens the files of one blob in a cache directory. */
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type BlobInfo, blobDataSize } from '@nydus/rafs-format'
import type { ChunkData } from './chunk-data.ts'
import { type ChunkMapFile, openChunkMapFile } from './chunk-map-file.ts'
import { type ChunkStore, createChunkStore } from './chunk-store.ts'
import { openDataFile } from './data-file.ts'
import type { DecodeContext } from './decode-chunk.ts'
import { type ChunkKey, chunkKeys, encryptedData } from './encrypted-data.ts'
import type { LoadedLayout } from './load-layout.ts'
import { plainData } from './plain-data.ts'
import { storedData } from './stored-data.ts'
import { volatileChunkMap } from './volatile-chunk-map.ts'

/** How chunks are kept in the cache directory. */
export type CacheStorage =
  /** As they are, so that other threads can read them from the file. */
  | { readonly kind: 'plain' }
  /** As the blob stores them. */
  | { readonly kind: 'compressed' }
  /** Encrypted with AES-128-XTS. */
  | {
      readonly kind: 'encrypted'
      /** 32 bytes with unequal halves; undefined for convergent encryption, by the chunks' own digests. */
      readonly key: Uint8Array | undefined
    }

/** What a store is opened with. */
export interface ChunkStoreOptions {
  readonly blob: BlobInfo
  readonly workDir: string
  readonly loaded: LoadedLayout
  readonly decode: DecodeContext
  readonly storage: CacheStorage
  /** Digests that convergent encryption goes by. */
  readonly keyDigest: (chunkIndex: number) => Uint8Array | undefined
  /** Readiness is not kept in a file. */
  readonly isVolatile: boolean
}

/** @throws {CacheError} ERR_CACHE_STATE_CORRUPT, ERR_CACHE_IO, ERR_CACHE_NO_SPACE; {FormatError} */
export async function openChunkStore(options: ChunkStoreOptions): Promise<ChunkStore> {
  const { blob, workDir, loaded, storage } = options
  const { layout, bounds, uncompressedSize } = loaded
  const base = join(workDir, blob.blobId)
  const isStored = storage.kind === 'compressed'
  const size = isStored ? storedSize(options) : uncompressedSize
  const path = `${base}.blob.${isStored ? 'raw' : 'data'}`
  const { file, previousSize } = await openDataFile(path, size)
  let map: ChunkMapFile | undefined
  try {
    const data = dataOn(options, file, path)
    map = options.isVolatile
      ? volatileChunkMap(layout.chunkCount)
      : await openChunkMapFile(`${base}.blob.data.chunk_map`, layout.chunkCount)
    const endsBeyond = (index: number): boolean =>
      (bounds.chunkStarts[index] as number) + (bounds.chunkSizes[index] as number) > previousSize
    // What was stored beyond the end is found out when it is decoded.
    if (previousSize < size && (!isStored || previousSize === 0))
      await map.forget(isStored ? () => true : endsBeyond)
    return createChunkStore(data, map, { blobIndex: blob.blobIndex, uncompressedSize, ...bounds })
  } catch (error) {
    await map?.close().catch(() => {})
    await file.close()
    throw error
  }
}

function storedSize({ blob, decode, loaded }: ChunkStoreOptions): number {
  if (decode.isStargz !== true) return blobDataSize(blob)
  // The last chunk reaches to the end of the blob.
  const { layout } = loaded
  let end = 0
  for (let index = 0; index < layout.chunkCount; index++) {
    const { compressedOffset, compressedSize } = layout.chunk(index)
    end = Math.max(end, compressedOffset + compressedSize)
  }
  return end
}

function dataOn(options: ChunkStoreOptions, file: FileHandle, path: string): ChunkData {
  const { storage, loaded, decode } = options
  if (storage.kind === 'plain') return plainData(file, path, loaded.bounds)
  if (storage.kind === 'compressed') return storedData(file, path, loaded.bounds, decode)
  const keys: ChunkKey = chunkKeys(storage.key, options.keyDigest)
  return encryptedData(file, path, loaded.bounds, keys)
}

/**
 * The tar of a tarfs image, where the cache directory has it under the blob's id, as the original wants it: all of it is
 * ready. Undefined where it is not there or too short.
 */
export async function openTarStore({
  blob,
  workDir,
  loaded,
}: Pick<ChunkStoreOptions, 'blob' | 'workDir' | 'loaded'>): Promise<ChunkStore | undefined> {
  const path = join(workDir, blob.blobId)
  const file = await open(path, 'r').catch(() => undefined)
  if (file === undefined) return undefined
  const stat = await file.stat()
  if (!stat.isFile() || stat.size < loaded.uncompressedSize) {
    await file.close()
    return undefined
  }
  const map = volatileChunkMap(loaded.layout.chunkCount)
  map.bits.fill(0xff)
  const view = { blobIndex: blob.blobIndex, uncompressedSize: loaded.uncompressedSize, ...loaded.bounds }
  return createChunkStore(plainData(file, path, loaded.bounds), map, view)
}
