// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBlobCache } from '../src/index.ts'
import { createMemoryChunks } from '../src/memory-chunks.ts'
import * as golden from './golden.ts'
import { BLOB_ID, makeBlob, randomChunk } from './made-blob.ts'

const isRoot = process.getuid?.() === 0
if (!isRoot) console.log('SKIPPED: a full disk needs a small tmpfs, which needs root')

const made = makeBlob(
  Array.from({ length: 8 }, (_, i) => randomChunk(60_000, i)),
  { crc: true },
)
const everything = { offset: 0, length: made.plain.length }

function smallDisk(): string {
  const directory = golden.scratch(onTestFinished)
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory]).status).toBe(0)
  // Runs before the directory is removed.
  onTestFinished(() => void spawnSync('umount', ['-l', directory]))
  return directory
}

describe.skipIf(!isRoot)('a full cache directory', () => {
  it('still gives right bytes, keeps what fitted, and says what fill cannot do', async () => {
    const workDir = smallDisk()
    const source = golden.countingSource(BLOB_ID, made.bytes)
    const cache = await openBlobCache({ blob: made.blob, source, workDir })
    expect(Buffer.from(await cache.read(everything)).equals(made.plain)).toBe(true)
    const kept = cache.stats.readyChunks
    expect(kept).toBeLessThan(8)
    await expect(cache.fill(everything)).rejects.toMatchObject({ code: 'ERR_CACHE_NO_SPACE' })
    await cache.close()
    const again = await openBlobCache({ blob: made.blob, source, workDir })
    expect(again.stats.readyChunks).toBe(kept)
    expect(Buffer.from(await again.read(everything)).equals(made.plain)).toBe(true)
    await again.close()
    expect(readdirSync(workDir).filter((name) => !/\.(meta|data|chunk_map)$/.test(name))).toEqual([])
  })

  it('does not fetch again for every small read of a chunk', async () => {
    const source = golden.countingSource(BLOB_ID, made.bytes)
    const cache = await openBlobCache({ blob: made.blob, source, workDir: smallDisk() })
    await cache.read(everything)
    const fetched = source.reads.length
    for (let offset = 0; offset < made.plain.length; offset += 4096)
      await cache.read({ offset, length: 4096 })
    expect(source.reads).toHaveLength(fetched)
    await cache.close()
  })
})

describe('chunks kept in memory', () => {
  it('are the ones used last, up to a limit', () => {
    const memory = createMemoryChunks(32 << 20)
    const chunk = new Uint8Array(12 << 20)
    memory.keep(new Map([[1, chunk]]))
    memory.keep(new Map([[2, chunk]]))
    expect([...memory.take([1, 3]).keys()]).toEqual([1])
    memory.keep(new Map([[4, chunk]]))
    expect([...memory.take([1, 2, 4]).keys()]).toEqual([1, 4])
  })
})
