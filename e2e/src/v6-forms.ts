// SPDX-License-Identifier: Apache-2.0
/** RAFS v6 images in every form that the library builds, and what the kernel needs to mount them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type BlockExport,
  type BuildLayerOptions,
  buildLayer,
  buildTarfs,
  type ChunkPool,
  type ChunkReader,
  compactImage,
  exportBlock,
  mergeLayers,
  openDiskFile,
  optimizeImage,
} from '@nydus/builder'
import { openChunkReader } from '@nydus/chunk-cache'
import { BLOB_FEATURES, type BlobInfo, type Bootstrap, openBootstrap } from '@nydus/rafs-format'

/** An image in memory. */
export interface BuiltImage {
  readonly bootstrap: Uint8Array
  /** Blob files by id. */
  readonly blobs: ReadonlyMap<string, Uint8Array>
}

/** One layer as an image: bootstrap and blob apart. */
export async function layerImage(
  tar: Uint8Array,
  pool: ChunkPool,
  options: Omit<BuildLayerOptions, 'pool' | 'sink'> = {},
): Promise<BuiltImage> {
  const parts: Uint8Array[] = []
  const sink = { write: (bytes: Uint8Array) => void parts.push(bytes) }
  const apart = { blobInlineMeta: false, blobToc: false }
  const built = await buildLayer(ReadableStream.from([tar]), { pool, sink, ...apart, ...options })
  return {
    bootstrap: built.bootstrap,
    blobs: new Map([[built.runningId, new Uint8Array(Buffer.concat(parts))]]),
  }
}

/** The tar itself is the blob. */
export async function tarfsImage(tar: Uint8Array, chunkSize?: number): Promise<BuiltImage> {
  const built = await buildTarfs(ReadableStream.from([tar]), chunkSize === undefined ? {} : { chunkSize })
  return { bootstrap: built.bootstrap, blobs: new Map([[built.blobId, tar]]) }
}

/** Layers on top of each other, lowest first. */
export function mergedImage(layers: readonly BuiltImage[]): BuiltImage {
  const sources = layers.map(({ bootstrap, blobs }) => ({ bootstrap, blobId: [...blobs.keys()][0] ?? '' }))
  return {
    bootstrap: mergeLayers(sources).bootstrap,
    blobs: new Map(layers.flatMap(({ blobs }) => [...blobs])),
  }
}

/** All small blobs in one. */
export async function compactedImage(image: BuiltImage): Promise<BuiltImage> {
  const made = newBlobs()
  const input = { bootstrap: image.bootstrap, reader: readerOf(image), createBlob: made.create }
  const compacted = await compactImage(input)
  if (compacted === undefined) throw new Error('nothing was compacted')
  return { bootstrap: compacted.bootstrap, blobs: new Map([...image.blobs, ...made.blobs]) }
}

/** The chunks of `paths` in a blob of their own. */
export async function optimizedImage(image: BuiltImage, paths: readonly string[]): Promise<BuiltImage> {
  const made = newBlobs()
  const { bootstrap } = image
  const files = paths.map((path) => ({ path }))
  const optimized = await optimizeImage({
    bootstrap,
    reader: readerOf(image),
    files,
    createBlob: made.create,
  })
  if (optimized.missing.length > 0) throw new Error(`not in the image: ${optimized.missing.join(', ')}`)
  return { bootstrap: optimized.bootstrap, blobs: new Map([...image.blobs, ...made.blobs]) }
}

/** Files for a mount: the bootstrap and one device a blob, which for tarfs is the tar and else the decoded blob. */
export async function deviceFiles(
  image: BuiltImage,
  directory: string,
): Promise<{ readonly bootstrap: string; readonly devices: readonly string[] }> {
  mkdirSync(directory, { recursive: true })
  const bootstrap = openBootstrap(image.bootstrap)
  const reader = readerOf(image)
  writeFileSync(join(directory, 'image.boot'), image.bootstrap)
  const devices: string[] = []
  for (const blob of bootstrap.blobs) {
    const path = join(directory, `blob-${blob.blobIndex}`)
    devices.push(path)
    if ((blob.features & BLOB_FEATURES.TARFS) !== 0) {
      writeFileSync(path, image.blobs.get(blob.blobId) ?? '')
      continue
    }
    await writeDecoded(path, blob, bootstrap, reader)
  }
  return { bootstrap: join(directory, 'image.boot'), devices }
}

async function writeDecoded(
  path: string,
  blob: BlobInfo,
  bootstrap: Bootstrap,
  reader: ChunkReader,
): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.truncate(blob.uncompressedSize)
    for (const chunk of bootstrap.chunkTable()) {
      if (chunk.blobIndex !== blob.blobIndex) continue
      const bytes = await reader.readChunk(chunk.blobIndex, chunk)
      await file.write(bytes, 0, bytes.length, chunk.uncompressedOffset)
    }
  } finally {
    await file.close()
  }
}

/** Writes the flat disk image. */
export async function diskFile(image: BuiltImage, path: string, verity: boolean): Promise<BlockExport> {
  const sink = await openDiskFile(path)
  try {
    const disk = await exportBlock({ bootstrap: image.bootstrap, reader: readerOf(image), sink, verity })
    await sink.commit()
    return disk
  } finally {
    await sink.discard()
  }
}

function readerOf({ bootstrap, blobs }: BuiltImage): ChunkReader {
  const openBlob = (blobId: string) => ({
    blobId,
    async read({ offset, length }: { readonly offset: number; readonly length: number }) {
      const bytes = blobs.get(blobId)?.slice(offset, offset + length)
      if (bytes?.length !== length) throw new Error(`blob ${blobId} has no ${length} bytes at ${offset}`)
      return bytes
    },
  })
  return openChunkReader({ bootstrap: openBootstrap(bootstrap), openBlob })
}

function newBlobs() {
  const blobs = new Map<string, Uint8Array>()
  return {
    blobs,
    async create() {
      const parts: Uint8Array[] = []
      return {
        sink: { write: (bytes: Uint8Array) => void parts.push(new Uint8Array(bytes)) },
        commit: async (blobId: string) => void blobs.set(blobId, new Uint8Array(Buffer.concat(parts))),
        discard: async () => {},
      }
    },
  }
}
