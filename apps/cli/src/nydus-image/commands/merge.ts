// SPDX-License-Identifier: Apache-2.0
/** `merge`: bootstraps of layers → bootstrap of the image. */
import { basename } from 'node:path'
import { isNydusError } from '@nydus/base/error'
import type { MergeSource } from '@nydus/builder'
import { openBootstrap } from '@nydus/rafs-format'
import { readConfig } from '../blob-access.ts'
import { bootstrapPlaceOf, placeBootstrap } from '../bootstrap-place.ts'
import type { ImageArguments } from '../command-spec.ts'
import type { ImageContext } from '../context.ts'
import { dictPathOf } from '../dict-path.ts'
import { refused } from '../file-failure.ts'
import { readPrefetchPatterns } from '../prefetch-patterns.ts'
import { readBootstrapOrBlob, sayFeatures } from '../read-bootstrap.ts'
import { reportFailure } from '../report-failure.ts'
import { writeResult } from '../result-json.ts'
import { Trace } from '../trace.ts'

/** Exit status for layers that do not fit together. */
const EXIT_MISMATCH = 2

/** Runs `merge`. @returns 2 for layers that do not fit together. */
export async function runMerge(values: ImageArguments, context: ImageContext): Promise<number> {
  try {
    await merge(values, context)
    return 0
  } catch (error) {
    if (!isNydusError(error, 'ERR_BUILD_LAYER_MISMATCH')) throw error
    reportFailure(error, context)
    return EXIT_MISMATCH
  }
}

async function merge(values: ImageArguments, context: ImageContext): Promise<void> {
  const trace = new Trace()
  const lists = readLists(values)
  const place = bootstrapPlaceOf(values)
  const dictPath = dictPathOf(values.text('chunk-dict'))
  const parentPath = values.text('parent-bootstrap') || undefined
  const blobsAccessible = (await readConfig(values)) !== undefined
  const patterns = await readPrefetchPatterns(values, context)
  const layers: MergeSource[] = []
  for (const [i, path] of values.operands.entries()) layers.push(await readLayer(path, i, lists, context))
  checkCounts(lists, layers.length)
  const parent = parentPath === undefined ? undefined : await readLayer(parentPath, 0, [], context)
  const chunkDict = dictPath === undefined ? undefined : await readSource(dictPath, context)
  const { mergeLayers } = await import('@nydus/builder')
  const merged = await trace.time('load_tree_from_bootstrap', () =>
    mergeLayers(layers, {
      prefetchPatterns: values.text('prefetch-policy') === 'fs' ? patterns : [],
      impliedDirectories: 'replace', // what build systems compare with was made this way
      blobsAccessible,
      ...(parent === undefined ? {} : { parent }),
      ...(chunkDict === undefined ? {} : { chunkDict }),
    }),
  )
  const bootstrap = await trace.time('dump_bootstrap', () => placeBootstrap(merged.bootstrap, place))
  const { blobIds, fsVersion, compressor } = merged
  await writeResult(values, { bootstrap, blobs: blobIds, fsVersion, compressor }, trace)
}

/** One of the comma lists: a value for each source. */
interface ValueList {
  readonly what: string
  readonly name: keyof NonNullable<MergeSource['overrides']> | 'blobId'
  readonly values: readonly (string | number)[]
}

const LISTS = [
  { flag: 'blob-digests', what: 'blob digest', name: 'blobDigest', isNumber: false },
  { flag: 'original-blob-ids', what: 'original blob id', name: 'blobId', isNumber: false },
  { flag: 'blob-sizes', what: 'blob size', name: 'blobSize', isNumber: true },
  { flag: 'blob-toc-digests', what: 'toc digest', name: 'tocDigest', isNumber: false },
  { flag: 'blob-toc-sizes', what: 'toc size', name: 'tocSize', isNumber: true },
] as const

function readLists(values: ImageArguments): ValueList[] {
  const lists = []
  for (const { flag, what, name, isNumber } of LISTS) {
    const items = values
      .text(flag)
      ?.split(',')
      .map((item) => item.trim())
    if (items === undefined) continue
    lists.push({ what, name, values: isNumber ? items.map((item) => sizeOf(flag, item)) : items })
  }
  return lists
}

function sizeOf(flag: string, text: string): number {
  const size = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(size)) return size
  throw refused(`invalid number in --${flag} option: ${JSON.stringify(text)}`)
}

function checkCounts(lists: readonly ValueList[], sources: number): void {
  for (const { what, values } of lists) {
    if (values.length === sources) continue
    throw refused(`number of ${what} entries ${values.length} doesn't match number of sources ${sources}`)
  }
}

async function readLayer(
  path: string,
  i: number,
  lists: readonly ValueList[],
  context: ImageContext,
): Promise<MergeSource> {
  const given = Object.fromEntries(lists.map(({ name, values }) => [name, values[i]]))
  const { blobId = basename(path).split('.')[0] ?? '', ...overrides } = given as Partial<
    MergeSource['overrides']
  > & {
    readonly blobId?: string
  }
  return { bootstrap: await readSource(path, context), blobId, overrides }
}

async function readSource(path: string, { log }: ImageContext): Promise<Uint8Array> {
  const bytes = await readBootstrapOrBlob(path)
  sayFeatures(openBootstrap(bytes), log)
  return bytes
}
