// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openLocalBlob } from '../src/index.ts'

const ID = 'c0'.repeat(32)
const bytes = new Uint8Array(10_000_000).map((_, i) => i % 251)

function directories(): { first: string; second: string } {
  const root = mkdtempSync(join(tmpdir(), 'blob-store-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const [first, second] = [join(root, 'first'), join(root, 'second')]
  for (const directory of [first, second]) mkdirSync(directory)
  return { first, second }
}

describe('openLocalBlob', () => {
  it('reads any range and knows the size', async () => {
    const { first } = directories()
    writeFileSync(join(first, ID), bytes)
    const blob = openLocalBlob({ dir: first }, ID)
    expect(blob.blobId).toBe(ID)
    expect(await blob.size()).toBe(bytes.length)
    const ranges = [
      [0, 1],
      [9_999_999, 1],
      [100, 9_000_000],
      [5, 0],
    ] as const
    await Promise.all(
      ranges.map(async ([offset, length]) => {
        const found = await blob.read({ offset, length })
        expect(Buffer.from(found).equals(bytes.subarray(offset, offset + length))).toBe(true)
      }),
    )
    await blob.close()
  })

  it('looks into the alternative directories, in order', async () => {
    const { first, second } = directories()
    writeFileSync(join(second, ID), 'second')
    const blob = openLocalBlob({ dir: first, altDirs: [join(first, 'missing'), second] }, ID)
    expect(Buffer.from(await blob.read({ offset: 0, length: 6 })).toString()).toBe('second')
    await blob.close()
  })

  it('takes a single file whatever its name', async () => {
    const { first } = directories()
    writeFileSync(join(first, 'any.blob'), 'content')
    const blob = openLocalBlob({ blobFile: join(first, 'any.blob'), dir: '/nowhere' }, ID)
    expect(await blob.size()).toBe(7)
    await blob.close()
  })

  it('says where it looked for a blob that is not there, and finds it when it comes later', async () => {
    const { first, second } = directories()
    mkdirSync(join(second, ID))
    const blob = openLocalBlob({ dir: first, altDirs: [second] }, ID)
    await expect(blob.read({ offset: 0, length: 1 })).rejects.toMatchObject({
      code: 'ERR_BLOB_NOT_FOUND',
      message: expect.stringContaining(first),
    })
    writeFileSync(join(first, ID), 'late')
    expect(await blob.size()).toBe(4)
    await blob.close()
  })

  it.each(['../secret', '..', '', 'a/b', 'a\0b'])('refuses the id %j', async (blobId) => {
    const { first } = directories()
    writeFileSync(join(first, '..', 'secret'), 'x')
    await expect(openLocalBlob({ dir: first }, blobId).size()).rejects.toMatchObject({
      code: 'ERR_BLOB_NOT_FOUND',
    })
  })

  it('fails for a range that the file does not have', async () => {
    const { first } = directories()
    writeFileSync(join(first, ID), 'short')
    const blob = openLocalBlob({ dir: first }, ID)
    await expect(blob.read({ offset: 3, length: 5 })).rejects.toMatchObject({
      code: 'ERR_BLOB_READ',
      details: { offset: 3, expected: 5, found: 2 },
    })
    await blob.close()
  })

  it('fails for a file that cannot be opened', async () => {
    const { first } = directories()
    symlinkSync(ID, join(first, ID))
    await expect(openLocalBlob({ dir: first }, ID).size()).rejects.toMatchObject({ code: 'ERR_BLOB_READ' })
  })

  it('ends with the reason of its signal', async () => {
    const { first } = directories()
    writeFileSync(join(first, ID), bytes)
    const blob = openLocalBlob({ dir: first }, ID)
    const stop = new AbortController()
    const read = blob.read({ offset: 0, length: bytes.length }, stop)
    stop.abort(new Error('enough'))
    await expect(read).rejects.toThrow('enough')
    await blob.close()
  })
})
