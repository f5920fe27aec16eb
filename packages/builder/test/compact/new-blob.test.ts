// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openBlobFile } from '../../src/compact/new-blob.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'new-blob-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('openBlobFile', () => {
  test('gets its name when it is complete', async () => {
    const blob = await openBlobFile(directory)
    await blob.sink.write(Buffer.from('content'))
    await blob.commit('the-id')
    expect(readdirSync(directory)).toEqual(['the-id'])
    expect(readFileSync(join(directory, 'the-id'), 'utf8')).toBe('content')
  })

  test('several at a time do not meet', async () => {
    const blobs = await Promise.all([openBlobFile(directory), openBlobFile(directory)])
    await Promise.all(blobs.map((blob, i) => blob.commit(`${i}`)))
    expect(readdirSync(directory).sort()).toEqual(['0', '1'])
  })

  test('leaves nothing when it is discarded', async () => {
    const blob = await openBlobFile(directory)
    await blob.sink.write(Buffer.from('content'))
    await blob.discard()
    expect(readdirSync(directory)).toEqual([])
  })

  test('a directory that is not there', async () => {
    await expect(openBlobFile(join(directory, 'none'))).rejects.toMatchObject({ code: 'ERR_BUILD_IO' })
  })
})
