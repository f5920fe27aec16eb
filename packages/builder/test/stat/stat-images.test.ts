// SPDX-License-Identifier: Apache-2.0
import { openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { formatStatisticsJson } from '../../src/stat/image-statistics.ts'
import { statImages } from '../../src/stat/stat-images.ts'
import { formatStatisticsText } from '../../src/stat/statistics-text.ts'
import { bootstrapOf, type InlineFixture } from '../fixture-blobs.ts'
import { type Fixture, fixtureOf, manifest, readOutput, readStored, type Stored } from '../fixture-store.ts'

type CountedFixture = InlineFixture & { readonly stat?: Stored }

const layers = ['layers-layer0-v6-sep', 'layers-layer1-v6-sep', 'layers-layer2-v6-sep'].map((id) =>
  readOutput(fixtureOf(id), 'bootstrap'),
)
const golden = (fixture: Fixture) => Buffer.from(readOutput(fixture, 'json')).toString()

/** What the original counts otherwise, and why. */
const OTHER_FIGURES = [
  [/tarfs/, 'it takes all chunks of a tarfs image for one, and the last chunk of a file for another length'],
  [/^own-chain\d-v6$/, 'the bootstrap names chunks that it does not have (tar input with a parent)'],
] as const

describe('statImages gives the statistics of the original', () => {
  const counted = (manifest.fixtures as readonly CountedFixture[]).filter(
    (fixture) =>
      fixture.stat?.path !== undefined &&
      bootstrapOf(fixture) !== undefined &&
      !OTHER_FIGURES.some(([pattern]) => pattern.test(fixture.id)),
  )

  it.each(counted.map((fixture) => [fixture.id, fixture] as const))('%s', (_id, fixture) => {
    const bootstrap = openBootstrap(bootstrapOf(fixture) as Uint8Array)
    const ours = formatStatisticsJson(statImages({ base: [bootstrap] }))
    expect(JSON.parse(ours)).toEqual(JSON.parse(Buffer.from(readStored(fixture.stat as Stored)).toString()))
    expect(ours).toBe(Buffer.from(readStored(fixture.stat as Stored)).toString())
  })

  it('covers the fixtures that exist', () => expect(counted.length).toBeGreaterThan(200))

  it('of a base and a target image', () => {
    const [base, target] = layers as [Uint8Array, Uint8Array]
    expect(formatStatisticsJson(statImages({ base: [base], target }))).toBe(
      golden(fixtureOf('stat-base-target')),
    )
  })

  it('of several images and what they share', () => {
    const statistics = statImages({ base: layers, dedup: true })
    expect(formatStatisticsJson(statistics)).toBe(golden(fixtureOf('stat-directory')))
  })
})

describe('statImages', () => {
  const imageOf = (id: string) => readOutput(fixtureOf(id), 'bootstrap')

  it('counts every chunk of a tarfs image, which has no digests', () => {
    const { base_image: tarfs } = statImages({ base: [imageOf('mixed-v6-tarfs')] })
    const { base_image: plain } = statImages({ base: [imageOf('mixed-tar-v6-none-sha256')] })
    expect(tarfs).toMatchObject({
      files: plain.files,
      file_size: plain.file_size,
      chunks: plain.chunks,
      uncomp_size: plain.uncomp_size,
      comp_size: plain.file_size,
      own_chunks: plain.chunks,
      own_comp_size: plain.file_size,
    })
  })

  it('finds nothing shared where digests are of another kind', () => {
    const [base] = layers as [Uint8Array]
    const shared = (digester: 'blake3' | 'sha256') =>
      statImages({ base: [base], target: base, digester }).target_image
    const { ref_chunks, own_chunks } = shared('blake3')
    expect([ref_chunks > 0, own_chunks]).toEqual([true, 0])
    expect(shared('sha256')).toMatchObject({ ref_chunks: 0, own_chunks: ref_chunks })
  })

  it('weighs dictionaries by how many images have their chunks', () => {
    const [base] = layers as [Uint8Array]
    const { dedup_thresholds: thresholds, base_image } = statImages({ base: [base, base], dedup: true })
    const distinct = base_image.dedup_chunks
    expect(thresholds.length).toBe(20)
    // Up to a threshold of 2 images everything goes into the dictionary, then nothing.
    expect(thresholds.slice(0, 3).map(({ dedup_chunks }) => dedup_chunks)).toEqual([
      distinct,
      distinct,
      2 * distinct,
    ])
    expect(thresholds[0]).toMatchObject({ raw_chunks: 2 * distinct, comp_image_size: 0 })
    expect(thresholds[2]).toMatchObject({
      comp_base_size: 0,
      comp_image_size: thresholds[0]?.comp_content_size,
    })
  })
})

describe('formatStatisticsText prints like the original', () => {
  it('a base image', () => {
    const text = formatStatisticsText(statImages({ base: [imageWithoutData()] }))
    const [head] = text.split('\n\nFile Size Bits:')
    expect(head?.split('\n')).toEqual([
      '',
      '',
      'Base Image Statistics:',
      '',
      'Directories:            1',
      'Files:                  0',
      'Symlinks:               0',
      'Chunks:                 0',
      'File Size:              0',
      'Padding Size:           0',
      'Uncompressed Size:      0',
      'Compressed Size:        0',
    ])
    expect(text).toContain('\n\nFile Size Bits:\t\tFile Count:\n0:\t\t\t0\n1:\t\t\t0\n')
    expect(text).toContain('\n44:\t\t\t0\n\nChunk Size Bits:\tChunk Count:\n12:\t\t\t0\n')
    expect(text.endsWith('Referenced Chunk Count:\t0\n')).toBe(true)
  })

  it('a target image first, what is shared last', () => {
    const statistics = statImages({ base: layers, target: layers[0] as Uint8Array, dedup: true })
    const headings = formatStatisticsText(statistics).match(/^.* Statistics:$/gm)
    expect(headings).toEqual([
      'Target Image Statistics:',
      'Base Image Statistics:',
      'Chunk Deduplication Statistics:',
    ])
    const rows = formatStatisticsText(statistics).split('\n').slice(-21, -1)
    expect(rows[0]).toMatch(/^1 {23}0x24 {12}0x[0-9a-f]+ +0x/)
    expect(rows[19]).toMatch(/^20 {22}0x24 /)
  })

  it('no rows for images without chunks', () => {
    const text = formatStatisticsText(statImages({ base: [imageWithoutData()], dedup: true }))
    expect(text.endsWith('Uncomp Base Size\tUncomp Image Size\n')).toBe(true)
  })

  function imageWithoutData(): Uint8Array {
    return readOutput(fixtureOf('empty-tar-v6'), 'bootstrap')
  }
})
