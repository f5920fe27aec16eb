// SPDX-License-Identifier: Apache-2.0
/** A layer that stays in the registry as it is: what is built is only its bootstrap, and where its chunks lie. */
import { digestFromHex } from '@nydus/base/digest'
import { BuildError } from '../build-error.ts'
import { type Chunker, chunkCountOf } from '../chunk/chunker.ts'
import { MAX_LAYER_BYTES, peekStream } from '../decode/decode-layer.ts'
import { finishBuild } from '../layer/blob-build.ts'
import { type BlobSession, storeFiles, withBlobSession } from '../layer/blob-session.ts'
import type { LayerBuild } from '../layer/build-layer.ts'
import { type BuildLayerOptions, checkChunkSize, DEFAULT_CHUNK_SIZE } from '../layer/build-options.ts'
import type { LayerCommits } from '../layer/layer-commits.ts'
import { abortable } from '../layer/until-aborted.ts'
import type { TarEntry } from '../tar/entry.ts'
import { readTar } from '../tar/read-tar.ts'
import { displayPath } from '../tree/byte-name.ts'
import { createLayerTree, type LayerTree } from '../tree/layer-tree.ts'
import { openGzipLayer, openTarLayer } from './layer-reader.ts'
import { ReferencedLayer } from './referenced-layer.ts'

/** How a layer is described; members left out have the defaults of `buildLayer`. The sink takes the meta blob. */
export type BuildZranOptions = Pick<
  BuildLayerOptions,
  | 'pool'
  | 'sink'
  | 'chunkSize'
  | 'repeatable'
  | 'dict'
  | 'blobInlineMeta'
  | 'blobToc'
  | 'prefetchPatterns'
  | 'prefetchPolicy'
  | 'maxTarBytes'
  | 'signal'
  | 'onProgress'
>

/** A described layer: `digest`, `size` and `runningId` are those of the meta blob. */
export interface ZranBuild extends LayerBuild {
  /** Hex SHA-256 of the layer as it is stored: the id of the blob that has the chunks. */
  readonly blobId: string
  /** Bytes of the layer as it is stored. */
  readonly compressedSize: number
  readonly compression: 'gzip' | 'none'
}

const GZIP_MAGIC = [0x1f, 0x8b, 8]

/**
 * Describes a layer so that a daemon can read files out of it as it is stored: a gzip layer from zran contexts, a plain
 * tar at its offsets. Memory is bounded by the pool's budget, the number of files and 32 KiB for each 2 MiB of the layer.
 * The same input gives the same bytes.
 * @param input the layer as stored, gzip or plain; it is read to its end.
 * @throws {BuildError} as `buildLayer`, also ERR_BUILD_UNSUPPORTED_ENTRY for sparse files; {DigestError}
 *   ERR_DECOMPRESS_FAILED for a damaged layer, ERR_DECOMPRESS_TOO_LARGE.
 */
export async function buildZranLayer(
  input: AsyncIterable<Uint8Array>,
  options: BuildZranOptions,
): Promise<ZranBuild> {
  const chunkSize = options.chunkSize ?? DEFAULT_CHUNK_SIZE
  checkChunkSize(chunkSize)
  const { signal } = options
  const source = signal === undefined ? input : abortable(input, signal)
  const whole: BuildLayerOptions = { ...options, compressor: 'none', digester: 'sha256' }
  const { head, rest } = await peekStream(source, GZIP_MAGIC.length)
  const isGzip = GZIP_MAGIC.every((byte, i) => head[i] === byte)
  const reader = isGzip ? openGzipLayer(rest, chunkSize) : openTarLayer(rest)
  const layer = new ReferencedLayer(reader, chunkSize, options.maxTarBytes ?? MAX_LAYER_BYTES)
  const build = await withBlobSession(whole, (session) => describeLayer(layer, session), layer)
  return {
    ...build,
    blobId: layer.id,
    compressedSize: layer.size,
    compression: isGzip ? 'gzip' : 'none',
    diffId: digestFromHex(layer.tarDigest),
    tarSize: layer.tarSize,
  }
}

async function describeLayer(layer: ReferencedLayer, session: BlobSession) {
  const { options, plan, records } = session
  const tree = createLayerTree({ explicitOwners: plan.explicitOwners, chunks: records })
  const sink = {
    known: { dict: options.dict },
    addFile: tree.addEntry.bind(tree),
    get sourceBytes() {
      return layer.tarSize
    },
  }
  const chunks = await storeFiles<TarEntry>(session, sink, (commits, chunker) =>
    readEntries(layer, tree, commits, chunker, session),
  )
  tree.finish()
  return finishBuild(session, tree, chunks)
}

async function readEntries(
  layer: ReferencedLayer,
  tree: LayerTree,
  commits: LayerCommits<TarEntry>,
  chunker: Chunker,
  { plan, stop }: BlobSession,
): Promise<void> {
  for await (const entry of readTar(layer, { signal: stop.signal })) {
    if (!tree.accepts(entry)) continue
    checkContiguous(entry)
    commits.expect(entry, chunkCountOf(entry.size, plan.chunkSize))
    if (entry.size > 0) await chunker.addFile(entry.size, layer.chunksOf(entry.content, entry.size))
  }
}

function checkContiguous(entry: TarEntry): void {
  if (entry.contentOffset !== undefined) return
  const path = displayPath(entry.path)
  throw new BuildError(
    'ERR_BUILD_UNSUPPORTED_ENTRY',
    `${path} is a sparse file, which cannot be read from the tar as it is`,
    { details: { path, offset: entry.offset }, hint: 'convert the layer instead of referring to it' },
  )
}
