// SPDX-License-Identifier: Apache-2.0
/** One layer: stored bytes → tar → tree and chunks → blob and bootstrap, as a stream. */
import { type Digest, digestFromHex } from '@nydus/base/digest'
import { type Chunker, chunkCountOf } from '../chunk/chunker.ts'
import { TarReader } from '../tar/read-tar.ts'
import { createLayerTree, type LayerTree } from '../tree/layer-tree.ts'
import type { Node } from '../tree/node.ts'
import type { ChunkRun } from '../tree/node-of-entry.ts'
import { type BlobBuild, finishBuild } from './blob-build.ts'
import { type BlobSession, storeFiles, withBlobSession } from './blob-session.ts'
import type { BuildLayerOptions } from './build-options.ts'
import type { LayerCommits } from './layer-commits.ts'
import { LayerSource } from './layer-source.ts'
import { openParent } from './parent.ts'
import { abortable } from './until-aborted.ts'

/** A built tar. */
export interface TarBuild extends BlobBuild {
  /** Bytes of the plain tar. */
  readonly tarSize: number
}

/** A built layer. */
export interface LayerBuild extends TarBuild {
  /** SHA-256 of the plain tar. */
  readonly diffId: Digest
}

/**
 * Builds the blob and bootstrap of a layer. Reading, decompressing, hashing, compressing and writing overlap; memory is
 * bounded by the pool's budget and the number of files. The same input gives the same bytes.
 * @param input the layer as stored: plain, gzip or zstd. It is read to its end; what it throws is thrown on. A piece is
 *   not used any more when the next one is asked for.
 * @throws {BuildError} ERR_BUILD_… for a bad tar, options or a failing worker, ERR_NO_SPACE, ERR_INTERRUPTED for an
 *   abort without a coded reason; {DigestError} ERR_DECOMPRESS_…; and whatever input and sink throw. After a rejection
 *   no new write reaches the sink.
 * @example
 * const pool = createChunkPool()
 * const layer = await buildLayer(createReadStream('layer.tar.gz'), { pool, sink: { write: (bytes) => file.appendFile(bytes) } })
 */
export function buildLayer(
  input: AsyncIterable<Uint8Array>,
  options: BuildLayerOptions,
): Promise<LayerBuild> {
  return withBlobSession(options, async (session) => {
    const tar = openSource(input, session, true)
    const build = await buildFromTar(tar, session)
    return Object.assign(build, { diffId: digestFromHex(tar.digest) })
  })
}

/** `buildLayer` without the digest of the plain tar, which is a third of the time of large files. */
export function buildTar(input: AsyncIterable<Uint8Array>, options: BuildLayerOptions): Promise<TarBuild> {
  return withBlobSession(options, (session) => buildFromTar(openSource(input, session, false), session))
}

function openSource(
  input: AsyncIterable<Uint8Array>,
  { lane, options, stop }: BlobSession,
  digest: boolean,
): LayerSource {
  return new LayerSource(abortable(input, stop.signal), lane, { maxBytes: options.maxTarBytes, digest })
}

async function buildFromTar(tar: LayerSource, session: BlobSession): Promise<TarBuild> {
  const { options, plan } = session
  const { fsVersion, explicitOwners } = plan
  const tree = createLayerTree({ fsVersion, explicitOwners, chunks: session.records })
  const parent = openParent(options.parent, plan, session.records)
  const sink = {
    known: { dict: options.dict, parent: parent?.dict },
    addFile: (node: Node, run: ChunkRun) => void Object.assign(node, run),
    get sourceBytes() {
      return tar.size
    },
  }
  const chunks = await storeFiles<Node>(session, sink, (commits, chunker) =>
    readEntries(tar, tree, commits, chunker, session),
  )
  tree.finish()
  const whole = parent === undefined ? tree : parent.putOnTop(tree.root, 'keep-lower')
  const build = await finishBuild(session, whole, chunks)
  return Object.assign(build, { tarSize: tar.size })
}

/** Files get theirs when these are stored. */
const NO_CHUNKS: ChunkRun = { chunkStart: 0, chunkCount: 0 }

async function readEntries(
  tar: LayerSource,
  tree: LayerTree,
  commits: LayerCommits<Node>,
  chunker: Chunker,
  { plan, stop }: BlobSession,
): Promise<void> {
  const reader = new TarReader(tar, { signal: stop.signal })
  try {
    for (;;) {
      const entry = reader.nextBuffered() ?? (await reader.next())
      if (entry === undefined) return
      if (!tree.accepts(entry)) continue
      const node = tree.addEntry(entry, NO_CHUNKS)
      const { size, content } = entry
      if (size === 0) continue
      commits.expect(node, chunkCountOf(size, plan.chunkSize))
      const bytes = size <= plan.chunkSize ? content.takeBuffered() : undefined
      if (bytes === undefined) await chunker.addFile(size, content)
      else if (!chunker.addBuffered(bytes)) await chunker.addFile(size, [bytes])
    }
  } finally {
    await reader.close()
  }
}
