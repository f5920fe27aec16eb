// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { clusterImages, distance, type ImagePoint } from '../../src/chunkdict/cluster-images.ts'

/** Chunks are letters of one byte each. */
function point(image: string, chunks: string): ImagePoint {
  const sizes = new Map([...chunks].map((chunk) => [chunk, 1]))
  return { image, sizes, size: sizes.size }
}

describe('distance', () => {
  test.each([
    ['abcd', 'abcd', 0],
    ['abcd', 'abxy', 0.5],
    ['ab', 'xy', 1],
    ['ab', 'abcdef', 0.5],
    ['', '', 1],
  ])('%j and %j: %d', (a, b, expected) => {
    expect(distance(point('a', a), point('b', b))).toBeCloseTo(expected)
    expect(distance(point('b', b), point('a', a))).toBeCloseTo(expected)
  })
})

describe('clusterImages', () => {
  const names = (clusters: readonly (readonly ImagePoint[])[]) =>
    clusters.map((members) => members.map(({ image }) => image).sort())

  test('finds groups and leaves noise out', () => {
    const points = [
      point('a1', 'abcd'),
      point('x1', 'xyzw'),
      point('a2', 'abce'),
      point('a3', 'abcf'),
      point('lone', 'mnop'),
    ]
    expect(names(clusterImages(points, 0.5, 3))).toEqual([['a1', 'a2', 'a3']])
    expect(names(clusterImages(points, 0.5, 4))).toEqual([])
    expect(names(clusterImages(points, 0.5, 1))).toEqual([['a1', 'a2', 'a3'], ['x1'], ['lone']])
  })

  test('a chain of neighbours is one cluster, its thin ends included', () => {
    const points = ['abcd', 'bcde', 'cdef', 'defg', 'efgh'].map((chunks, i) => point(`${i}`, chunks))
    expect(names(clusterImages(points, 0.3, 3))).toEqual([['0', '1', '2', '3', '4']])
  })

  test('the order of the images changes nothing but the order', () => {
    const points = Array.from({ length: 30 }, (_, i) => point(`${i}`, `${'abcdef'.slice(i % 3)}${i % 7}`))
    const asSet = (clusters: readonly (readonly ImagePoint[])[]) => names(clusters).map(String).sort()
    expect(asSet(clusterImages(points.toReversed(), 0.4, 10))).toEqual(asSet(clusterImages(points, 0.4, 10)))
  })
})
