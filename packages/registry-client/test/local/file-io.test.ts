// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { openFile, readExactly, writeError, writeWhole } from '../../src/local/file-io.ts'
import { failureOf, inDirectory } from '../support/content.ts'

describe('writeWhole', () => {
  it('replaces a file only when all of it is written', () =>
    inDirectory(async (directory) => {
      const path = join(directory, 'file')
      await writeFile(path, 'old')
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('ne')
        expect(await readFile(path, 'utf8')).toBe('old')
        throw new Error('broke')
      }
      await expect(writeWhole(path, broken())).rejects.toThrow('broke')
      expect([await readFile(path, 'utf8'), await readdir(directory)]).toEqual(['old', ['file']])
      await writeWhole(path, [Buffer.from('ne'), Buffer.from('w')])
      expect([await readFile(path, 'utf8'), await readdir(directory)]).toEqual(['new', ['file']])
    }))
})

describe('readExactly', () => {
  it('never returns less: a file that became shorter is an error', () =>
    inDirectory(async (directory) => {
      const path = join(directory, 'file')
      await writeFile(path, '0123456789')
      const file = await openFile(path)
      if (file === undefined) throw new Error('not found')
      expect(Buffer.from(await readExactly(file.handle, path, 2, 3)).toString()).toBe('234')
      await truncate(path, 4)
      expect(await failureOf(readExactly(file.handle, path, 2, 3))).toMatchObject({
        code: 'ERR_BLOB_READ',
        message: expect.stringContaining('ends at 0x4'),
      })
      await file.handle.close()
    }))
})

describe('openFile', () => {
  it.skipIf(process.platform === 'win32')('does not wait on a named pipe', () =>
    inDirectory(async (directory) => {
      const path = join(directory, 'pipe')
      await promisify(execFile)('mkfifo', [path])
      expect(await failureOf(openFile(path))).toMatchObject({ code: 'ERR_BLOB_READ' })
    }),
  )

  it('is undefined for what does not exist', () =>
    inDirectory(async (directory) => {
      expect(await openFile(join(directory, 'none'))).toBeUndefined()
      await writeFile(join(directory, 'file'), '')
      expect(await openFile(join(directory, 'file/below'))).toBeUndefined()
    }))
})

describe('writeError', () => {
  it.each([
    ['ENOSPC', 'ERR_NO_SPACE'],
    ['EDQUOT', 'ERR_NO_SPACE'],
    ['EROFS', 'ERR_BUILD_IO'],
  ])('turns %s into %s', (code, expected) => {
    expect(writeError('/x', Object.assign(new Error('low level'), { code }))).toMatchObject({
      code: expected,
    })
  })
})
