// SPDX-License-Identifier: Apache-2.0
/** DBSCAN over images: the distance of two is the share of their bytes that they do not have in common. */

/** What one image consists of. */
export interface ImagePoint {
  readonly image: string
  /** Stored bytes of each distinct chunk by digest. */
  readonly sizes: ReadonlyMap<string, number>
  /** Their sum. */
  readonly size: number
}

/** An image has a dense neighbourhood when it and its neighbours are this many. */
export const MIN_POINTS = 10

/**
 * @param radius largest distance of neighbours, 0 to 1.
 * @param minPoints neighbours, itself included, that make an image the core of a cluster.
 * @returns the clusters; images that are in none are noise.
 */
export function clusterImages(
  points: readonly ImagePoint[],
  radius: number,
  minPoints: number = MIN_POINTS,
): readonly (readonly ImagePoint[])[] {
  const neighbours = neighbourhoods(points, radius)
  const clusterOf = new Map<number, number>()
  const clusters: ImagePoint[][] = []
  for (const start of points.keys()) {
    if (clusterOf.has(start) || isSparse(neighbours[start], minPoints)) continue
    const members: ImagePoint[] = []
    const pending = [start]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (clusterOf.has(next)) continue
      clusterOf.set(next, clusters.length)
      members.push(points[next] as ImagePoint)
      if (!isSparse(neighbours[next], minPoints)) pending.push(...(neighbours[next] ?? []).toReversed())
    }
    clusters.push(members)
  }
  return clusters
}

function isSparse(neighbours: readonly number[] | undefined, minPoints: number): boolean {
  return (neighbours?.length ?? 0) < minPoints
}

function neighbourhoods(points: readonly ImagePoint[], radius: number): readonly number[][] {
  const lists: number[][] = points.map((_, i) => [i])
  for (const [i, a] of points.entries()) {
    for (const [j, b] of points.entries()) {
      if (j <= i || distance(a, b) > radius) continue
      lists[i]?.push(j)
      lists[j]?.push(i)
    }
  }
  return lists
}

/** 0 for equal images, 1 for those without a common chunk. */
export function distance(a: ImagePoint, b: ImagePoint): number {
  const [small, large] = a.sizes.size <= b.sizes.size ? [a, b] : [b, a]
  let common = 0
  for (const [digest, size] of small.sizes) common += large.sizes.has(digest) ? 2 * size : 0
  const total = a.size + b.size
  return total === 0 ? 1 : 1 - common / total
}
