// SPDX-License-Identifier: Apache-2.0
/** Nydus images → a chunk dictionary: a bootstrap in a local file, and an image of it when there is a target. */
import { join, resolve } from 'node:path'
import { type Digest, digestFromHex } from '@nydus/base/digest'
import { NydusError } from '@nydus/base/error'
import {
  buildBootstrapLayer,
  type ChunkDictResult,
  generateChunkDict,
  imageOfBootstrapPath,
  openChunkDatabase,
} from '@nydus/builder'
import { makeDirectories } from '@nydus/registry-client'
import { settleAll } from '../convert/limit.ts'
import { localFailure } from '../convert/work-directory.ts'
import type { BlobToCopy } from '../copy/copy-blob.ts'
import type { TransferOptions } from '../copy/copy-options.ts'
import { deriveImage, nydusBlobLayer, pushDerived } from '../copy/derived-image.ts'
import { withTransfer } from '../copy/transfer.ts'
import { type NydusImage, openNydusImage } from '../inspect/remote-image.ts'
import { writeOutputFile } from '../nydus-image/output-file.ts'
import { writeResultFile } from '../nydus-image/result-json.ts'
import { Trace } from '../nydus-image/trace.ts'

/** What to learn from. */
export interface GenerateOptions extends Omit<TransferOptions, 'source' | 'target' | 'sourceBackend'> {
  /** Nydus images; several versions of each are needed to find what lasts. */
  readonly sources: readonly string[]
  /** Where the image of the dictionary goes; without it only files are written. */
  readonly target?: string | undefined
  /** Which image of an index, default `linux` on this machine's architecture. */
  readonly platform?: string | undefined
  /** Gets `chunkdict_bootstrap`, `nydus_bootstrap_output.json` and `database.db`, which later runs learn from as well. */
  readonly workDir: string
}

/** A generated dictionary. */
export interface GenerateResult {
  /** Path of the bootstrap, for `convert --chunk-dict bootstrap=PATH`. */
  readonly bootstrap: string
  readonly blobIds: readonly string[]
  readonly chunkCount: number
  /** Images that are like no others: a dictionary is not worth it for them. */
  readonly noiseImages: readonly string[]
  readonly target?: { readonly reference: string; readonly digest: Digest }
  readonly elapsedMs: number
}

const HISTORY_COMMENT = 'Nydus Chunk Dictionary'

/**
 * Generates a dictionary out of what is in the database and the given images.
 * @throws {NydusError} ERR_USAGE without images, ERR_IMAGE_NOT_NYDUS, ERR_BUILD_DICT_MISMATCH when they differ in how they
 *   were built, and what the stores throw.
 */
export async function generateDictionary(options: GenerateOptions): Promise<GenerateResult> {
  const started = performance.now()
  if (options.sources.length === 0) throw new NydusError('ERR_USAGE', 'a chunk dictionary needs images')
  const images = await openAll(options)
  try {
    const { dict, bootstrap } = await writeDictionary(images, options)
    const target = options.target === undefined ? undefined : await pushDictionary(dict, images, options)
    const { blobIds, chunkCount, noiseImages } = dict
    const elapsedMs = performance.now() - started
    return { bootstrap, blobIds, chunkCount, noiseImages, ...(target !== undefined && { target }), elapsedMs }
  } finally {
    await closeAll(images)
  }
}

async function openAll(options: GenerateOptions): Promise<readonly NydusImage[]> {
  const { sources, sourceInsecure, plainHttp, credentials, platform, signal } = options
  const opened: NydusImage[] = []
  const tasks = sources.map(async (image) => {
    const found = await openNydusImage({
      image,
      platform,
      insecure: sourceInsecure ?? false,
      plainHttp: plainHttp ?? false,
      ...(credentials !== undefined && { credentials }),
      ...(signal !== undefined && { signal }),
    })
    opened.push(found)
    return found
  })
  try {
    return await settleAll(tasks, () => undefined)
  } catch (error) {
    await closeAll(opened)
    throw error
  }
}

async function closeAll(images: readonly NydusImage[]): Promise<void> {
  await Promise.allSettled(images.map((image) => image.close()))
}

async function writeDictionary(
  images: readonly NydusImage[],
  { workDir }: GenerateOptions,
): Promise<{ readonly dict: ChunkDictResult; readonly bootstrap: string }> {
  try {
    makeDirectories(workDir)
  } catch (error) {
    throw localFailure(error, `work directory ${workDir}`)
  }
  const trace = new Trace()
  const database = await openChunkDatabase(`sqlite://${resolve(workDir, 'database.db')}`)
  try {
    const sources = images.map(({ bootstrap, reference }) => ({ bootstrap, ...imageNameOf(reference) }))
    const dict = await trace.time('generate_chunk_dict', async () => generateChunkDict({ sources, database }))
    const bootstrap = join(workDir, 'chunkdict_bootstrap')
    await writeOutputFile(bootstrap, dict.bootstrap)
    const { fsVersion = 6, compressor = 'zstd' } = images[0]?.bootstrap ?? {}
    const result = { bootstrap, blobs: dict.blobIds, fsVersion, compressor }
    await writeResultFile(join(workDir, 'nydus_bootstrap_output.json'), result, trace)
    return { dict, bootstrap }
  } finally {
    database.close()
  }
}

/** `localhost:5000/library/redis:7.2` → redis, 7.2: as the directories of the original are named. */
function imageNameOf(reference: string): ReturnType<typeof imageOfBootstrapPath> {
  return imageOfBootstrapPath(`${reference.replaceAll('/', ':')}/bootstrap`)
}

async function pushDictionary(
  dict: ChunkDictResult,
  images: readonly NydusImage[],
  options: GenerateOptions,
): Promise<NonNullable<GenerateResult['target']>> {
  const { target = '', sources } = options
  const blobs = dict.blobIds.map((blobId) => findBlob(blobId, images))
  const bootstrapLayer = await buildBootstrapLayer({ bootstrap: dict.bootstrap })
  const [first] = images as readonly [NydusImage]
  const derived = deriveImage({
    from: first.documents,
    blobLayers: blobs.map((blob) => nydusBlobLayer(blob)),
    bootstrapLayer,
    bootstrapAnnotations: {},
    historyComment: HISTORY_COMMENT,
  })
  return await withTransfer({ ...options, source: sources[0] ?? '', target }, async (transfer) => {
    await pushDerived(transfer, derived, bootstrapLayer, blobs)
    return { reference: transfer.target.reference, digest: derived.identity.digest }
  })
}

function findBlob(blobId: string, images: readonly NydusImage[]): BlobToCopy {
  const digest = digestFromHex(blobId)
  for (const { documents } of images) {
    const layer = documents.manifest.layers.find((candidate) => candidate.digest === digest)
    if (layer !== undefined) return { digest, size: layer.size, from: documents.store }
  }
  throw new NydusError(
    'ERR_BLOB_NOT_FOUND',
    `blob ${blobId} of the dictionary is a layer of none of the images`,
    {
      hint: 'give the image that it comes from as a source too, or leave out --target',
    },
  )
}
