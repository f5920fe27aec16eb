// SPDX-License-Identifier: Apache-2.0
import { gzipSync } from 'node:zlib'
import { openBootstrap, readFileChunks, SUPER_FLAGS, validateBootstrap, walkTree } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { buildTarfs } from '../../src/index.ts'
import { readTree } from '../fixture-store.ts'
import { noise, pieces, tarOf } from '../layer-bytes.ts'

describe('buildTarfs', () => {
  it('is valid, and counts chunks through the tar', async () => {
    const files = { a: noise(10_000, 1), b: noise(4096, 2), c: noise(1, 3), empty: noise(0) }
    const build = await buildTarfs(pieces(tarOf(files)), { chunkSize: 4096, blobId: 'my-tar' })
    expect(validateBootstrap(build.bootstrap)).toEqual([])
    expect(build).toMatchObject({ blobId: 'my-tar', chunkCount: 5 })
    const bootstrap = openBootstrap(build.bootstrap)
    expect(bootstrap.blockSize).toBe(512)
    const [, a] = [...walkTree(bootstrap)]
    const chunks = readFileChunks(bootstrap, a?.inode.nid ?? 0)
    expect(chunks.map(({ compressedOffset, compressedSize }) => [compressedOffset, compressedSize])).toEqual([
      [512, 4096],
      [512 + 4096, 4096],
      [512 + 8192, 10_000 - 8192],
    ])
  })

  it('has no blob for a tar without data', async () => {
    const build = await buildTarfs(pieces(tarOf({})))
    expect(build).toMatchObject({ chunkCount: 0, hasData: false, blobs: [] })
    expect(validateBootstrap(build.bootstrap)).toEqual([])
  })

  it('leaves owners out on demand', async () => {
    const { bootstrap } = await buildTarfs(pieces(readTree('types')), { repeatable: true })
    expect(openBootstrap(bootstrap).flags & SUPER_FLAGS.EXPLICIT_UID_GID).toBe(0n)
    for (const { inode } of walkTree(openBootstrap(bootstrap))) expect([inode.uid, inode.gid]).toEqual([0, 0])
  })

  it('refuses sparse files, compressed layers, bad options, and tars above the limit', async () => {
    await expect(buildTarfs(pieces(readTree('quirk-gnu-sparse')))).rejects.toMatchObject({
      code: 'ERR_BUILD_UNSUPPORTED_ENTRY',
    })
    await expect(buildTarfs(pieces(gzipSync(tarOf({ a: noise(10) }))))).rejects.toMatchObject({
      code: 'ERR_BUILD_BAD_TAR',
    })
    await expect(buildTarfs(pieces(tarOf({})), { chunkSize: 5000 })).rejects.toMatchObject({
      code: 'ERR_BUILD_OPTION_CONFLICT',
    })
    const large = tarOf({ a: noise(10_000) })
    await expect(buildTarfs(pieces(large), { maxTarBytes: 5000 })).rejects.toMatchObject({
      code: 'ERR_DECOMPRESS_TOO_LARGE',
    })
  })

  it('stops when it is told to, even while its source hangs', async () => {
    const stop = new AbortController()
    async function* hanging(): AsyncGenerator<Uint8Array, void, undefined> {
      yield tarOf({ a: noise(1000) }).subarray(0, 700)
      await new Promise(() => undefined)
    }
    const build = buildTarfs(hanging(), { signal: stop.signal })
    setImmediate(() => stop.abort(new Error('enough')))
    await expect(build).rejects.toThrow('enough')
  })
})
