// SPDX-License-Identifier: Apache-2.0
/**
 * Which chunks a dictionary should have. The older 70 % of each image's versions are learnt from, the newer ones tell how
 * well it went:
 *
 *   clusters of similar images → chunks that nine of ten images of a cluster have
 *   versions of one image      → chunks that last
 */
import type { ChunkRow } from './chunk-database.ts'
import { clusterImages, type ImagePoint } from './cluster-images.ts'
import { lastingChunks } from './smooth-versions.ts'

/** The choice. */
export interface ChosenChunks {
  /** Each digest once. */
  readonly chunks: readonly ChunkRow[]
  /** Images that are like no others: a dictionary does little for them. */
  readonly noiseImages: readonly string[]
}

const TRAIN_SHARE = 0.7
const MAX_ROUNDS = 7
/** Of a cluster's images that have a chunk of its dictionary. */
const COMMON_SHARE = 0.9
/** A round that clusters fewer images is the last. */
const MIN_CLUSTERED_SHARE = 0.2
const RADII = steps(0.5, 0.9)
const THRESHOLDS = steps(0.5, 0.8)

/** From `first` to `last` by 0.05. */
function steps(first: number, last: number): readonly number[] {
  return Array.from({ length: Math.round((last - first) / 0.05) + 1 }, (_, i) => first + i * 0.05)
}

/** @param rows of all images, in any order. */
export function chooseChunks(rows: readonly ChunkRow[]): ChosenChunks {
  const { train, test } = splitByVersion(rows)
  const common = commonChunks(train, test)
  const lasting = bestLasting(train, test, common.digests)
  const chunks = new Map([...common.chunks, ...lasting].map((chunk) => [chunk.digest, chunk]))
  const images = new Set(rows.map(({ image }) => image))
  return {
    chunks: [...chunks.values()],
    noiseImages: [...images].filter((image) => !common.images.has(image)),
  }
}

type Versions = readonly (readonly ChunkRow[])[]

/** By image: its versions, oldest first. */
interface Split {
  readonly train: ReadonlyMap<string, Versions>
  readonly test: ReadonlyMap<string, Versions>
}

function splitByVersion(rows: readonly ChunkRow[]): Split {
  const train = new Map<string, Versions>()
  const test = new Map<string, Versions>()
  for (const [image, chunks] of Map.groupBy(rows, (row) => row.image)) {
    const versions = [...Map.groupBy(chunks, ({ version }) => version)]
      .sort(([a], [b]) => compareVersions(a, b))
      .map(([, members]) => members)
    const count = Math.floor(versions.length * TRAIN_SHARE)
    train.set(image, versions.slice(0, count))
    test.set(image, versions.slice(count))
  }
  return { train, test }
}

/** By the numbers in them, then as text: v1.9 before v1.10. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => (text.match(/\d+/g) ?? []).map(Number))
  for (const [i, number] of (left ?? []).entries()) {
    const other = right?.[i]
    if (other === undefined) return 1
    if (number !== other) return number - other
  }
  if ((left?.length ?? 0) < (right?.length ?? 0)) return -1
  return a < b ? -1 : a > b ? 1 : 0
}

interface CommonChunks {
  readonly chunks: readonly ChunkRow[]
  readonly digests: ReadonlySet<string>
  /** In a cluster of some round. */
  readonly images: ReadonlySet<string>
}

/** Clusters what is left again and again, as the first round takes the most common chunks away. */
function commonChunks(train: Split['train'], test: Split['test']): CommonChunks {
  const digests = new Set<string>()
  const images = new Set<string>()
  const chunks: ChunkRow[] = []
  const testRows = [...test.values()].flat(2)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const points = [...train].map(([image, versions]) => pointOf(image, versions.flat(), digests))
    const clusters = bestClusters(points, testRows, digests)
    const clustered = clusters.flat()
    if (clustered.length === 0 || clustered.length / points.length < MIN_CLUSTERED_SHARE) break
    const found = new Set(clusters.flatMap((members) => [...dictionaryOf(members)]))
    for (const digest of found) digests.add(digest)
    for (const { image } of clustered) images.add(image)
    if (found.size === 0) break
  }
  for (const row of [...train.values()].flat(2)) if (digests.has(row.digest)) chunks.push(row)
  return { chunks, digests, images }
}

function pointOf(image: string, rows: readonly ChunkRow[], without: ReadonlySet<string>): ImagePoint {
  const sizes = new Map<string, number>()
  for (const { digest, compressedSize } of rows) if (!without.has(digest)) sizes.set(digest, compressedSize)
  return { image, sizes, size: [...sizes.values()].reduce((sum, size) => sum + size, 0) }
}

/** The clusters of the radius that leaves the fewest bytes of the test versions to be stored. */
function bestClusters(
  points: readonly ImagePoint[],
  test: readonly ChunkRow[],
  known: ReadonlySet<string>,
): readonly (readonly ImagePoint[])[] {
  let best: readonly (readonly ImagePoint[])[] = []
  let least = Number.POSITIVE_INFINITY
  for (const radius of RADII) {
    const clusters = clusterImages(points, radius)
    const dictionary = new Set(clusters.flatMap((members) => [...dictionaryOf(members)]))
    const left = bytesWithout(test, (digest) => known.has(digest) || dictionary.has(digest))
    if (left <= least) [best, least] = [clusters, left]
  }
  return best
}

function dictionaryOf(members: readonly ImagePoint[]): ReadonlySet<string> {
  const counts = new Map<string, number>()
  for (const { sizes } of members) {
    for (const digest of sizes.keys()) counts.set(digest, (counts.get(digest) ?? 0) + 1)
  }
  const needed = members.length * COMMON_SHARE
  return new Set([...counts].filter(([, count]) => count >= needed).map(([digest]) => digest))
}

/** Lasting chunks of all images with the threshold that leaves the fewest bytes of the test versions to be stored. */
function bestLasting(
  train: Split['train'],
  test: Split['test'],
  known: ReadonlySet<string>,
): readonly ChunkRow[] {
  const fresh = new Map(
    [...train].map(([image, versions]) => [
      image,
      versions.map((rows) => rows.filter(({ digest }) => !known.has(digest))),
    ]),
  )
  let best: readonly ChunkRow[] = []
  let least = Number.POSITIVE_INFINITY
  for (const threshold of THRESHOLDS) {
    const chosen = new Map([...fresh].map(([image, versions]) => [image, lastingChunks(versions, threshold)]))
    let left = 0
    for (const [image, versions] of test) {
      const digests = new Set(chosen.get(image)?.map(({ digest }) => digest))
      left += bytesWithout(versions.flat(), (digest) => digests.has(digest))
    }
    if (left <= least) [best, least] = [[...chosen.values()].flat(), left]
  }
  return best
}

function bytesWithout(rows: readonly ChunkRow[], isKnown: (digest: string) => boolean): number {
  return rows.reduce((sum, { digest, compressedSize }) => sum + (isKnown(digest) ? 0 : compressedSize), 0)
}
