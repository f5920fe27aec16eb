// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { formatBlobMetaFile, parseBlobMetaFile } from '../../src/index.ts'

const CACHE = new URL('../../../../fixtures/cache/', import.meta.url)
const FILES = readdirSync(CACHE, { recursive: true, encoding: 'utf8' }).filter((name) =>
  /\.blob\.meta(\.gz)?$/.test(name),
)

function read(name: string): Uint8Array {
  const bytes = readFileSync(new URL(name, CACHE))
  return new Uint8Array(name.endsWith('.gz') ? gunzipSync(bytes) : bytes)
}

describe('parseBlobMetaFile', () => {
  it.each(FILES)('reads %s, left by the original daemon, and writes the same bytes', (name) => {
    const file = read(name)
    const { header, array, meta } = parseBlobMetaFile(file)
    expect(meta.chunkCount).toBe(header.chunkCount)
    for (let i = 0; i < meta.chunkCount; i++) expect(meta.find(meta.chunk(i).uncompressedOffset)).toBe(i)
    for (let i = 0; i < meta.contextCount; i++) {
      if ((header.features & 8) !== 0)
        expect(meta.zranDictionary(meta.zranContext(i)).length).toBeLessThanOrEqual(32768)
      else expect(meta.batchContext(i).uncompressedSize).toBeGreaterThan(0)
    }
    expect(Buffer.compare(formatBlobMetaFile(array, header), file)).toBe(0)
  })
  it('finds such files in the fixtures', () => expect(FILES.length).toBeGreaterThan(5))

  it('refuses a file with a page too many, without header, or with another magic', () => {
    const file = read(FILES[0] ?? '')
    const longer = new Uint8Array(file.length + 4096)
    longer.set(file, 4096)
    const codes = [longer, file.subarray(0, 100), file.slice().fill(0, file.length - 4)].map((bytes) => {
      try {
        return parseBlobMetaFile(bytes).header
      } catch (error) {
        return (error as { code: string }).code
      }
    })
    expect(codes).toEqual(['ERR_FORMAT_CORRUPT', 'ERR_FORMAT_TRUNCATED', 'ERR_FORMAT_BAD_MAGIC'])
  })
})
