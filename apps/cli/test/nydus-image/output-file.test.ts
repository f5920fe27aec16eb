// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { createReadStream, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { openOutputFile, openOutputIn, writeOutputFile } from '../../src/nydus-image/output-file.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

describe('result files', () => {
  it('replaces a file only when it is complete', async () => {
    const path = join(temporaryDirectory(), 'result')
    writeFileSync(path, 'old')
    const file = await openOutputFile(path)
    await file.write(Buffer.from('ne'))
    await file.write(Buffer.from('w'))
    expect(readFileSync(path, 'utf8')).toBe('old')
    await file.commit()
    await file.discard()
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(file.size).toBe(3)
  })

  it('leaves nothing of what is discarded', async () => {
    const directory = temporaryDirectory()
    const file = await openOutputFile(join(directory, 'result'))
    await file.write(Buffer.from('half'))
    await file.discard()
    expect(readdirSync(directory)).toEqual([])
  })

  it('names a file in a directory at the end', async () => {
    const directory = temporaryDirectory()
    const file = await openOutputIn(directory)
    await file.write(Buffer.from('blob'))
    await file.commit('id')
    expect(readdirSync(directory)).toEqual(['id'])
  })

  it('writes a FIFO directly and leaves it there', async () => {
    const path = join(temporaryDirectory(), 'fifo')
    execFileSync('mkfifo', [path])
    const [read] = await Promise.all([buffer(createReadStream(path)), writeOutputFile(path, 'through')])
    expect(read.toString()).toBe('through')
    expect(statSync(path).isFIFO()).toBe(true)
  })

  it('says what cannot be written', async () => {
    const path = join(temporaryDirectory(), 'missing', 'result')
    await expect(writeOutputFile(path, '')).rejects.toMatchObject({
      code: 'ERR_BUILD_IO',
      message: `cannot create ${path}: no such file or directory`,
    })
  })
})
