// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBootstrap } from '@nydus/rafs-format'
import { afterAll, describe, expect, test } from 'vitest'
import { openChunkDatabase } from '../../src/chunkdict/chunk-database.ts'
import { openSqlite } from '../../src/chunkdict/sqlite.ts'
import { fixtureOf, readOutput } from '../fixture-store.ts'

const directory = mkdtempSync(join(tmpdir(), 'chunk-database-'))
afterAll(() => rmSync(directory, { recursive: true }))

const image = openBootstrap(readOutput(fixtureOf('layer1-tar-v6'), 'bootstrap'))

describe('openChunkDatabase', () => {
  test('keeps chunks and blobs in a file', () => {
    const url = `sqlite://${join(directory, 'kept.db')}`
    const first = openChunkDatabase(url)
    first.saveImage('a', '1', image)
    const rows = first.chunks()
    first.close()
    const again = openChunkDatabase(url)
    expect(again.chunks()).toEqual(rows)
    expect(rows.length).toBeGreaterThan(0)
    const [blob] = [...again.blobs().values()]
    expect(blob).toEqual(image.blobs[0])
    again.close()
  })

  test('replaces a version that comes again', () => {
    const database = openChunkDatabase('sqlite://:memory:')
    database.saveImage('a', '1', image)
    const count = database.chunks().length
    database.saveImage('a', '1', image)
    expect(database.chunks().length).toBe(count)
    database.saveImage('a', '2', image)
    expect(database.chunks().length).toBe(2 * count)
    database.close()
  })

  test('reads tables of the original and leaves its rows out', () => {
    const path = join(directory, 'original.db')
    const original = openSqlite(path)
    original.exec(`CREATE TABLE chunk (id INTEGER PRIMARY KEY, image_reference TEXT, version TEXT,
      chunk_blob_id TEXT NOT NULL, chunk_digest TEXT, chunk_crc32 INT, chunk_compressed_size INT,
      chunk_uncompressed_size INT, chunk_compressed_offset INT, chunk_uncompressed_offset INT);
      INSERT INTO chunk (chunk_blob_id) VALUES ('x')`)
    original.close()
    const database = openChunkDatabase(`sqlite://${path}`)
    expect(database.chunks()).toEqual([])
    database.saveImage('a', '1', image)
    expect(database.chunks().length).toBeGreaterThan(0)
    database.close()
  })

  test.each(['mysql:///a', 'sqlite://relative.db', '/a.db', ''])('refuses %j', (url) => {
    expect(() => openChunkDatabase(url)).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_OPTION_CONFLICT' }),
    )
  })

  test('refuses a file that is no database', () => {
    const path = join(directory, 'text')
    writeFileSync(path, 'no database at all, but long enough to be looked at'.repeat(100))
    expect(() => openChunkDatabase(`sqlite://${path}`)).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_IO' }),
    )
  })
})

test('loading SQLite prints nothing, other warnings still come', () => {
  const source = new URL('../../src/chunkdict/sqlite.ts', import.meta.url)
  const script = `
    const { openSqlite } = await import(${JSON.stringify(source.href)})
    openSqlite(':memory:').close()
    process.emitWarning('still here')`
  const { stderr, status } = spawnSync(
    process.execPath,
    ['--conditions=@nydus/source', '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  )
  expect(status).toBe(0)
  expect(stderr).toContain('still here')
  expect(stderr).not.toContain('SQLite')
})
