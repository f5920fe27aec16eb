// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { openArchiveFiles } from '../../src/archive/archive-files.ts'
import { encodeTarHeader } from '../../src/archive/tar-header.ts'
import { indexTar } from '../../src/archive/tar-index.ts'
import { readMember } from '../../src/local/member.ts'
import { failureOf, inDirectory } from '../support/content.ts'
import { paxRecord, tarMember, tarOf } from '../support/tar.ts'

function indexOf(bytes: Uint8Array) {
  return indexTar(
    { size: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) },
    'x.tar',
  )
}
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString()

describe('indexTar', () => {
  it('finds members under plain names, the last of equals', async () => {
    const tar = tarOf(tarMember('./a', '1'), tarMember('/d//b', '22'), tarMember('a', '333'))
    const index = await indexOf(tar)
    expect(index.find('a')).toMatchObject({ size: 3 })
    expect(index.find('d/b')?.size).toBe(2)
    expect(index.find('c')).toBeUndefined()
    const { offset = 0 } = index.find('a') ?? {}
    expect(text(tar.subarray(offset, offset + 3))).toBe('333')
  })

  it('follows links, but not in circles', async () => {
    const index = await indexOf(
      tarOf(
        tarMember('one/layer.tar', 'data'),
        tarMember('two/layer.tar', '', { type: '2', linkName: '../one/layer.tar' }),
        tarMember('three', '', { type: '1', linkName: 'two/layer.tar' }),
        tarMember('loop', '', { type: '2', linkName: 'loop' }),
        tarMember('out', '', { type: '2', linkName: '../../../etc/passwd' }),
      ),
    )
    expect(index.find('three')?.size).toBe(4)
    expect(index.find('loop')).toBeUndefined()
    expect(index.find('out')).toBeUndefined()
  })

  it('reads long names of both kinds, and sizes from PAX', async () => {
    const long = `${'d'.repeat(120)}/file`
    const index = await indexOf(
      tarOf(
        tarMember('x', paxRecord('path', `pax/${long}`) + paxRecord('mtime', '1.5'), { type: 'x' }),
        tarMember('short', 'a'),
        tarMember('x', `gnu/${long}\u0000`, { type: 'L' }),
        tarMember('short', 'bb'),
        tarMember('g', paxRecord('path', 'ignored'), { type: 'g' }),
        tarMember('last', 'ccc'),
      ),
    )
    expect(index.find(`pax/${long}`)?.size).toBe(1)
    expect(index.find(`gnu/${long}`)?.size).toBe(2)
    expect(index.find('last')?.size).toBe(3)
  })

  it.each([
    ['garbage', Buffer.alloc(1024, 0x55), 'ERR_FORMAT_CORRUPT'],
    ['a member longer than the file', Buffer.from(encodeTarHeader('a', 5000, '0')), 'ERR_FORMAT_TRUNCATED'],
    [
      'a PAX size that is no number',
      tarOf(tarMember('x', paxRecord('size', '-1'), { type: 'x' }), tarMember('a', 'b')),
      'ERR_FORMAT_CORRUPT',
    ],
    ['a size near 2^63', Buffer.from(encodeTarHeader('a', 2 ** 52, '0')), 'ERR_FORMAT_TRUNCATED'],
    [
      'an endless extended header',
      tarOf(tarMember('x', ' '.repeat((1 << 20) + 1), { type: 'x' })),
      'ERR_FORMAT_CORRUPT',
    ],
  ])('refuses %s', async (_, bytes, code) => {
    expect(await failureOf(indexOf(bytes))).toMatchObject({ code })
  })

  it('notices every truncation inside a member', async () => {
    const tar = tarOf(tarMember('a', 'x'.repeat(600)))
    for (let length = 513; length < 512 + 600; length += 29) {
      expect(await failureOf(indexOf(tar.subarray(0, length)))).toMatchObject({
        code: 'ERR_FORMAT_TRUNCATED',
      })
    }
  })

  it('survives a flipped bit anywhere in a header', async () => {
    const tar = tarOf(tarMember('a', 'xyz'))
    for (let bit = 0; bit < 512 * 8; bit += 7) {
      const damaged = Buffer.from(tar)
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect((await failureOf(indexOf(damaged))).code).toMatch(/^ERR_FORMAT_/)
    }
  })
})

describe('openArchiveFiles', () => {
  it.each(['gnu', 'pax', 'ustar'])('reads what tar --format=%s writes', (format) =>
    inDirectory(async (directory) => {
      const folder = join(directory, 'in', 'd'.repeat(90))
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'e'.repeat(90)), 'long')
      await symlink('e'.repeat(90), join(folder, 'link'))
      const path = join(directory, 'a.tar')
      await promisify(execFile)('tar', [`--format=${format}`, '-C', join(directory, 'in'), '-cf', path, '.'])
      const files = await openArchiveFiles(path)
      if (files === undefined) throw new Error('not found')
      expect(text(await readMember(files, `${'d'.repeat(90)}/${'e'.repeat(90)}`, 10))).toBe('long')
      expect(text(await readMember(files, `${'d'.repeat(90)}/link`, 10))).toBe('long')
      await files.close()
    }),
  )

  it('tells how to decompress, and that a file is missing', () =>
    inDirectory(async (directory) => {
      const path = join(directory, 'a.tar.gz')
      await writeFile(path, Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]))
      expect(await failureOf(openArchiveFiles(path))).toMatchObject({
        code: 'ERR_IMAGE_NOT_AN_IMAGE',
        hint: expect.stringContaining('gunzip'),
      })
      expect(await openArchiveFiles(join(directory, 'none'))).toBeUndefined()
    }))
})
