// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkImage } from '@nydus/checker'
import { startRegistry } from '@nydus/testkit'
import { describe, expect, it } from 'vitest'
import { convertImage } from '../../src/convert/convert-image.ts'
import type { ConvertOptions } from '../../src/convert/convert-options.ts'
import { pushGolden } from '../golden-image.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

async function openFixture() {
  const registry = await startRegistry()
  const directory = temporaryDirectory()
  await pushGolden('image-source-mini-oci', `${registry.host}/app:oci`)
  const image = (tag: string) => `${registry.host}/app:${tag}`
  const convert = (source: string, target: string, options: Partial<ConvertOptions> = {}) =>
    convertImage({
      source: image(source),
      target: image(target),
      plainHttp: true,
      platforms: 'all',
      workDir: join(directory, 'work'),
      ...options,
    })
  return { registry, directory, image, convert, [Symbol.asyncDispose]: () => registry.close() }
}

describe('convertImage with reverse', () => {
  it.each([
    ['RAFS 6', {}],
    ['RAFS 5', { fsVersion: 5 }],
    ['batches', { batchSize: 0x100000 }],
    ['encryption', { encrypt: true }],
    ['references', { ociRef: true }],
    ['an index with both', { mergePlatform: true }],
  ] as const)('%s: the image that comes back has the same files and the same layers', async (_, options) => {
    await using fixture = await openFixture()
    const { registry, image, convert } = fixture
    await convert('oci', 'nydus', options)
    await convert('nydus', 'back', { reverse: true })
    const found = registry.manifest('app', 'back')?.document
    expect(found).toMatchObject({ config: { mediaType: 'application/vnd.oci.image.config.v1+json' } })
    expect(JSON.stringify(found)).not.toMatch(/nydus/)
    // The checker compares the new source with the Nydus image, file by file and layer by layer.
    await convert('back', 'again')
    const report = await checkImage({ source: image('back'), target: image('again'), plainHttp: true })
    expect(report.findings).toEqual([])
    const crossed = await checkImage({ source: image('oci'), target: image('again'), plainHttp: true })
    expect(crossed.findings).toEqual([])
    expect(readdirSync(fixture.directory)).toEqual([])
  })

  it('refuses what is no Nydus image', async () => {
    await using fixture = await openFixture()
    const conversion = fixture.convert('oci', 'back', { reverse: true })
    await expect(conversion).rejects.toMatchObject({ code: 'ERR_IMAGE_NOT_NYDUS' })
  })
})
