// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDiskFile } from '../../src/export/disk-sink.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'disk-sink-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('openDiskFile', () => {
  test('an image appears whole, in place of an older and longer one', async () => {
    const path = join(directory, 'disk')
    writeFileSync(path, 'an older and longer image')
    const disk = await openDiskFile(path)
    await disk.setSize(8)
    await disk.writeAt(Buffer.from('ab'), 3)
    expect(readFileSync(path, 'utf8')).toBe('an older and longer image')
    await disk.commit()
    await disk.discard()
    expect(readFileSync(path, 'latin1')).toBe('\0\0\0ab\0\0\0')
    expect(readdirSync(directory)).toEqual(['disk'])
  })

  test('a discarded image leaves nothing', async () => {
    const disk = await openDiskFile(join(directory, 'disk'))
    await disk.writeAt(Buffer.from('ab'), 0)
    await disk.discard()
    expect(readdirSync(directory)).toEqual([])
  })

  test('a directory that is not there', async () => {
    await expect(openDiskFile(join(directory, 'none/disk'))).rejects.toMatchObject({ code: 'ERR_BUILD_IO' })
  })
})
