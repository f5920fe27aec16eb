// SPDX-License-Identifier: Apache-2.0
/** The file system rule: the source's layers applied on top of each other are the tree that the target shows. */

import { type Bootstrap, FILE_TYPE, S_IFMT, walkTree } from '@nydus/rafs-format'
import type { ImageStore, Manifest } from '@nydus/registry-client'
import { byteText, displayPath } from '../byte-path.ts'
import { type CompareCounts, compareTrees } from '../compare-trees.ts'
import type { FindingSink } from '../finding.ts'
import { applyChanges } from '../source/apply-changes.ts'
import type { ChunkScheme } from '../source/digest-content.ts'
import { type LayerChanges, readLayerChanges } from '../source/layer-changes.ts'
import { impliedDirectory, type SourceNode } from '../source/source-node.ts'
import { type ChunkFault, fileFault, openBootstrapTree } from '../target/bootstrap-tree.ts'

/** Layers that are read at the same time: one is decompressed while another is digested. */
const LAYER_CONCURRENCY = 2

/** What `readSourceTree` works with. */
export interface ReadSourceOptions {
  readonly scheme: ChunkScheme
  readonly signal?: AbortSignal | undefined
  /** Called with the entries read so far. */
  readonly onProgress?: ((entryCount: number) => void) | undefined
}

/** Streams all layers of the source and applies them, lowest first. */
export async function readSourceTree(
  store: ImageStore,
  manifest: Manifest,
  options: ReadSourceOptions,
): Promise<SourceNode> {
  const { scheme, signal } = options
  const abort = new AbortController()
  const anySignal = signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal])
  let entryCount = 0
  const onEntry = () => {
    entryCount += 1
    options.onProgress?.(entryCount)
  }
  const read = (index: number) => {
    const layer = manifest.layers[index]
    if (layer === undefined) return undefined
    const changes = readLayerChanges(store.openBlob(layer, { signal: anySignal }), {
      scheme,
      signal: anySignal,
      onEntry,
    })
    changes.catch(() => undefined) // seen when its turn comes
    return changes
  }
  const ahead: (Promise<LayerChanges> | undefined)[] = Array.from({ length: LAYER_CONCURRENCY }, (_, i) =>
    read(i),
  )
  const root = impliedDirectory()
  try {
    for (let index = 0; index < manifest.layers.length; index += 1) {
      const changes = await ahead.shift()
      if (changes !== undefined) applyChanges(root, changes)
      ahead.push(read(index + LAYER_CONCURRENCY))
    }
  } catch (error) {
    abort.abort(error)
    await Promise.allSettled(ahead)
    throw error
  }
  return root
}

/** Compares the source's tree with the bootstrap's. */
export function checkFilesystem(
  source: SourceNode,
  bootstrap: Bootstrap,
  chunkFault: ChunkFault,
  report: FindingSink,
  signal?: AbortSignal,
): Promise<CompareCounts> {
  return compareTrees(source, openBootstrapTree(bootstrap, chunkFault), {
    rule: 'filesystem',
    report,
    signal,
  })
}

/** Without a source: names the files that have bad chunks. */
export function reportDamagedFiles(bootstrap: Bootstrap, chunkFault: ChunkFault, report: FindingSink): void {
  for (const { path, inode } of walkTree(bootstrap)) {
    if ((inode.mode & S_IFMT) !== FILE_TYPE.REGULAR) continue
    const message = fileFault(bootstrap, inode.nid, chunkFault)
    if (message !== undefined) report({ rule: 'blob', path: displayPath(path.map(byteText)), message })
  }
}
