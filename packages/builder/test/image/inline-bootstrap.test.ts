// SPDX-License-Identifier: Apache-2.0
import { openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { readBootstrapFile } from '../../src/image/inline-bootstrap.ts'
import { mergeLayers } from '../../src/image/merge.ts'
import type { InlineFixture } from '../fixture-blobs.ts'
import { fixtureOf, manifest, readOutput, readStored, type Stored } from '../fixture-store.ts'

/** A file in memory that counts the bytes that were read of it. */
function fileOf(bytes: Uint8Array) {
  let read = 0
  return {
    size: bytes.length,
    async read(offset: number, length: number) {
      if (offset + length > bytes.length) throw new RangeError('read behind the end')
      read += length
      return bytes.slice(offset, offset + length)
    },
    get bytesRead() {
      return read
    },
  }
}

const inlined = (manifest.fixtures as readonly InlineFixture[]).filter(
  ({ inline_bootstrap, outputs }) =>
    inline_bootstrap?.path !== undefined && outputs?.blob?.path !== undefined,
)

describe('readBootstrapFile finds the bootstrap inside a blob', () => {
  it.each(inlined.map((fixture) => [fixture.id, fixture] as const))('%s', async (_id, fixture) => {
    const { bootstrap, isBlob } = await readBootstrapFile(fileOf(readOutput(fixture, 'blob')))
    expect(isBlob).toBe(true)
    expect(Buffer.compare(bootstrap, readStored(fixture.inline_bootstrap as Stored))).toBe(0)
  })

  it('covers the fixtures that exist', () => expect(inlined.length).toBeGreaterThan(20))

  it('without reading the data', async () => {
    const file = fileOf(readOutput(fixtureOf('mixed-v6-inline-toc-none'), 'blob'))
    await readBootstrapFile(file)
    expect(file.bytesRead).toBeLessThan(file.size / 100)
  })
})

describe('readBootstrapFile', () => {
  it.each(['tiny-tar-v5', 'tiny-tar-v6'])('gives the bootstrap %s as it is', async (id) => {
    const bytes = readOutput(fixtureOf(id), 'bootstrap')
    const found = await readBootstrapFile(fileOf(bytes))
    expect([found.isBlob, Buffer.compare(found.bootstrap, bytes)]).toEqual([false, 0])
  })

  it('makes whole layer blobs mergeable', async () => {
    const golden = fixtureOf('layers-merge-v6-layers')
    const names = ['layers-layer0-v6-layer', 'layers-layer1-v6-layer', 'layers-layer2-v6-layer']
    const sources = await Promise.all(
      names.map(async (id, i) => {
        const { bootstrap } = await readBootstrapFile(fileOf(readOutput(fixtureOf(id), 'blob')))
        return { bootstrap, blobId: (golden.sources?.[i]?.path ?? '').replace('layboot/', '') }
      }),
    )
    const merged = mergeLayers(sources, { impliedDirectories: 'replace' })
    expect(Buffer.compare(merged.bootstrap, readOutput(golden, 'bootstrap'))).toBe(0)
    expect(openBootstrap(merged.bootstrap).blobs.length).toBe(golden.blob_ids?.length)
  })

  it.each([
    ['nothing', new Uint8Array(0), 'ERR_FORMAT_TRUNCATED'],
    ['a short text', Buffer.from('hello'), 'ERR_FORMAT_TRUNCATED'],
    ['zeros', new Uint8Array(8192), 'ERR_FORMAT_BAD_MAGIC'],
    [
      'a blob without a bootstrap',
      readOutput(fixtureOf('mixed-v6-toc-only'), 'blob'),
      'ERR_FORMAT_BAD_MAGIC',
    ],
    ['a blob of chunks', readOutput(fixtureOf('tiny-tar-v6'), 'blob'), 'ERR_FORMAT_BAD_MAGIC'],
  ])('refuses %s', async (_what, bytes, code) => {
    await expect(readBootstrapFile(fileOf(bytes))).rejects.toMatchObject({ code })
  })

  it('refuses a blob that was cut or damaged, with a code', async () => {
    const blob = readOutput(fixtureOf('layers-layer0-v6-layer'), 'blob')
    for (let cut = 1; cut < 3000; cut += 37) {
      const error = await readBootstrapFile(fileOf(blob.subarray(0, blob.length - cut))).catch(
        (cause) => cause,
      )
      expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_(FORMAT|DECOMPRESS|SIZE)_/) })
    }
  })
})
