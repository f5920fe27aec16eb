// SPDX-License-Identifier: Apache-2.0
/** One source layer through the builder into a file: a blob with the layer's data, or one that describes where it lies. */
import { type FileHandle, open } from 'node:fs/promises'
import { type Digest, digestHex, sha256Digest } from '@nydus/base/digest'
import { isNydusError, NydusError } from '@nydus/base/error'
import {
  type BlobOverrides,
  type BlobSink,
  buildLayer,
  buildZranLayer,
  type LayerBuild,
} from '@nydus/builder'
import { countBytes } from '@nydus/checker'
import { blobTailSize, locateBlobSections } from '@nydus/rafs-format'
import { TAR_HEADER_BYTES } from '@nydus/rafs-format/layout'
import type { LayerName } from './convert-events.ts'
import type { LayerContext } from './convert-layer.ts'
import { localFailure } from './work-directory.ts'

/** What a converted layer leaves for the merge. */
export interface ConvertedLayer {
  /** Hex digest of the blob as pushed: the name that the merge knows its bootstrap by. */
  readonly blobId: string
  readonly digest: Digest
  /** Bytes of the blob as pushed. */
  readonly size: number
  /** Digest of the source layer's plain tar; undefined when the layer was not read. */
  readonly diffId: Digest | undefined
  /** The layer's own bootstrap. */
  readonly bootstrap: Uint8Array
  /** The blob's meta file, when it has one. */
  readonly blobMeta: Uint8Array | undefined
  /** Where the data lies, when it stays in the source layer. */
  readonly reference: LayerReference | undefined
}

/** A blob that describes a source layer. */
export interface LayerReference {
  readonly layer: Digest
  /** What the merged bootstrap says about the blob beyond what the layer's own says. */
  readonly overrides: BlobOverrides
}

/**
 * The reference of the blob `identity` to `layer`.
 * @param tail the last bytes of the blob, `blobTailSize` of them.
 */
export function layerReference(
  layer: Digest,
  { digest, size }: { readonly digest: Digest; readonly size: number },
  tail: Uint8Array,
): LayerReference {
  const { toc } = locateBlobSections(tail, size)
  // As the original: the table without its trailer, and no size.
  const section = toc && tail.subarray(tail.length - toc.size, tail.length - TAR_HEADER_BYTES)
  return {
    layer,
    overrides: {
      originalBlobId: digestHex(layer),
      blobDigest: digestHex(digest),
      blobSize: size,
      ...(section && { tocDigest: digestHex(sha256Digest(section)) }),
    },
  }
}

/** Builds the blob of one layer into the new file `path`. @throws what the builder and the source throw. */
export async function buildBlob(
  layer: LayerName,
  path: string,
  context: LayerContext,
): Promise<ConvertedLayer> {
  const { signal, onEvent } = context
  signal.throwIfAborted()
  onEvent({ type: 'layer-started', layer })
  const file = await open(path, 'wx+', 0o600).catch((error: unknown) => {
    throw localFailure(error, path)
  })
  try {
    const build = await runBuilder(layer, fileSink(file, path), context)
    onEvent({
      type: 'layer-built',
      layer,
      blobDigest: build.digest,
      blobSize: build.size,
      chunkCount: build.chunkCount,
      dedupBytes: build.dedupBytes,
    })
    const { digest, size, diffId, bootstrap, blobMeta } = build
    const reference = context.options.ociRef
      ? layerReference(layer.digest, build, await readTail(file, size))
      : undefined
    return { blobId: digestHex(digest), digest, size, diffId, bootstrap, blobMeta, reference }
  } catch (error) {
    throw nameLayer(error, layer, signal)
  } finally {
    await file.close()
  }
}

async function readTail(file: FileHandle, size: number): Promise<Uint8Array> {
  const tail = new Uint8Array(blobTailSize(size))
  await file.read(tail, 0, tail.length, size - tail.length)
  return tail
}

function runBuilder(layer: LayerName, sink: BlobSink, context: LayerContext): Promise<LayerBuild> {
  const { options, signal, onEvent, pool, dictionary } = context
  let readBytes = 0
  const input = countBytes(context.source.openBlob(layer, { signal }), (bytes) => {
    readBytes += bytes
  })
  const common = {
    chunkSize: options.chunkSize,
    pool,
    sink,
    signal,
    onProgress: ({ tarBytes, chunks, blobBytes }: { tarBytes: number; chunks: number; blobBytes: number }) =>
      onEvent({ type: 'layer-progress', layer, readBytes, tarBytes, chunkCount: chunks, blobBytes }),
    ...(dictionary === undefined ? {} : { dict: dictionary.dict }),
  }
  if (options.ociRef) return buildZranLayer(input, common) // prefetching is up to the merged bootstrap
  return buildLayer(input, {
    ...common,
    prefetchPatterns: options.prefetchPatterns,
    fsVersion: options.fsVersion,
    compressor: options.compressor,
    digester: options.digester,
    batchSize: options.batchSize,
    encrypt: options.encrypt,
    alignedChunk: options.alignedChunk,
  })
}

function fileSink(file: FileHandle, path: string): BlobSink {
  return {
    givesBack: true,
    async write(bytes) {
      try {
        for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
      } catch (error) {
        throw localFailure(error, path)
      }
    },
  }
}

/** Adds the layer's digest to an error of its content, where the message does not have it. */
function nameLayer(error: unknown, layer: LayerName, signal: AbortSignal): unknown {
  if (signal.aborted || !isNydusError(error) || error.message.includes(layer.digest)) return error
  return new NydusError(error.code, `layer ${layer.digest}: ${error.message}`, {
    cause: error,
    details: { ...error.details, layer: layer.digest },
    retryable: error.retryable,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  })
}
