// SPDX-License-Identifier: Apache-2.0
/** One Nydus blob → the gzip layer that it was made from, as far as its files go. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { ZLIB_CHUNK_BYTES } from '@nydus/base/compress'
import { type Digest, digestHex } from '@nydus/base/digest'
import { NydusError } from '@nydus/base/error'
import { openLocalBlob } from '@nydus/blob-store'
import { decodeLayer, readBootstrapFile, unpackImage } from '@nydus/builder'
import { openChunkReader } from '@nydus/chunk-cache'
import { type Bootstrap, openBootstrap } from '@nydus/rafs-format'
import type { ContentIdentity } from '@nydus/registry-client'
import { retryPolicy } from './convert-layer.ts'
import type { PlatformContext } from './convert-platform.ts'
import { withRetries } from './retry.ts'
import type { Sized } from './rewrite-manifest.ts'
import { transferBlob } from './transfer-blob.ts'
import { localFailure } from './work-directory.ts'

/** A layer that is in the target now. */
export interface PlainLayer extends Sized {
  /** Digest of its tar. */
  readonly diffId: Digest
}

/** The layer that a blob only refers to: it is copied as it is. */
export async function copyReferredLayer(digest: Digest, context: PlatformContext): Promise<PlainLayer> {
  const { source, target, signal } = context
  const identity = { digest, size: await source.blobSize(digest, signal) }
  const tar = createHash('sha256')
  const plain = decodeLayer(source.openBlob(identity, { signal }), { maxBytes: Number.MAX_SAFE_INTEGER })
  for await (const bytes of plain) tar.update(bytes)
  const copy = () => transferBlob(identity, source, target, signal)
  await withRetries(`copy of layer ${digest}`, copy, retryPolicy(context))
  return { ...identity, diffId: `sha256:${tar.digest('hex')}` }
}

/** Unpacks a blob into a layer and pushes that. Temporary files are gone afterwards. */
export async function unpackBlob(blob: ContentIdentity, context: PlatformContext): Promise<PlainLayer> {
  const { signal, target, directory } = context
  const blobPath = join(directory, `${digestHex(blob.digest)}.blob`)
  const layerPath = join(directory, `${digestHex(blob.digest)}.tar.gz`)
  try {
    signal.throwIfAborted()
    await download(blob, blobPath, context)
    const layer = await writeLayer(blob, blobPath, layerPath, signal)
    const { digest, size } = layer
    const push = () => target.putBlob({ digest, size }, () => createReadStream(layerPath), { signal })
    await withRetries(`push of layer ${digest}`, push, retryPolicy(context))
    return layer
  } finally {
    await Promise.all([rm(blobPath, { force: true }), rm(layerPath, { force: true })])
  }
}

async function download(blob: ContentIdentity, path: string, context: PlatformContext): Promise<void> {
  const { source, signal } = context
  await pipeline(source.openBlob(blob, { signal }), createWriteStream(path, { mode: 0o600 })).catch(
    (error: unknown) => {
      throw localFailure(error, path)
    },
  )
}

async function writeLayer(
  blob: ContentIdentity,
  blobPath: string,
  layerPath: string,
  signal: AbortSignal,
): Promise<PlainLayer> {
  const bootstrap = await readInlineBootstrap(blob, blobPath)
  const source = openLocalBlob({ blobFile: blobPath }, digestHex(blob.digest))
  const chunks = openChunkReader({ bootstrap, openBlob: () => source, signal })
  const gzip = createGzip({ chunkSize: ZLIB_CHUNK_BYTES })
  const tar = createHash('sha256')
  const stored = createHash('sha256')
  let size = 0
  const measured = new Transform({
    transform(bytes: Buffer, _, done) {
      stored.update(bytes)
      size += bytes.length
      done(undefined, bytes)
    },
  })
  const written = pipeline(gzip, measured, createWriteStream(layerPath, { mode: 0o600 }))
  written.catch(() => undefined) // seen below
  const write = async (bytes: Uint8Array) => {
    tar.update(bytes)
    if (!gzip.write(bytes)) await once(gzip, 'drain', { signal })
  }
  try {
    await unpackImage({ bootstrap, chunks, output: { write }, signal })
    gzip.end()
    await written
  } catch (error) {
    gzip.destroy()
    throw localFailure(error, layerPath)
  } finally {
    await source.close()
  }
  return { digest: `sha256:${stored.digest('hex')}`, size, diffId: `sha256:${tar.digest('hex')}` }
}

async function readInlineBootstrap(blob: ContentIdentity, path: string): Promise<Bootstrap> {
  const file = await open(path, 'r')
  try {
    const { bootstrap } = await readBootstrapFile({
      size: blob.size,
      async read(offset, length) {
        const bytes = new Uint8Array(length)
        await file.read(bytes, 0, length, offset)
        return bytes
      },
    })
    const opened = openBootstrap(bootstrap)
    if (opened.blobs.length <= 1) return opened
    throw new NydusError(
      'ERR_IMAGE_NOT_NYDUS',
      `blob ${blob.digest} takes chunks from ${opened.blobs.length - 1} others: it was built with a chunk dictionary`,
      { hint: 'unpack the whole image with nydus-image unpack' },
    )
  } finally {
    await file.close()
  }
}
