// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { localFailure, openWorkDirectory } from '../../src/convert/work-directory.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

describe('openWorkDirectory', () => {
  it('removes itself, its content and the parents it made', () => {
    const directory = temporaryDirectory()
    const work = openWorkDirectory(join(directory, 'a', 'b'))
    writeFileSync(join(work.path, 'x'), 'x')
    work.close()
    work.close()
    expect(existsSync(join(directory, 'a'))).toBe(false)
    expect(existsSync(directory)).toBe(true)
  })

  it('keeps a parent that was there, and one that others use by now', () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'kept'))
    openWorkDirectory(join(directory, 'kept')).close()
    expect(existsSync(join(directory, 'kept'))).toBe(true)
    const work = openWorkDirectory(join(directory, 'shared'))
    writeFileSync(join(directory, 'shared', 'other'), 'x')
    work.close()
    expect(existsSync(join(directory, 'shared', 'other'))).toBe(true)
    expect(existsSync(work.path)).toBe(false)
  })

  it('says where it cannot be made', () => {
    const file = join(temporaryDirectory(), 'file')
    writeFileSync(file, '')
    expect(() => openWorkDirectory(join(file, 'below'))).toThrow(
      expect.objectContaining({ code: 'ERR_BUILD_IO' }),
    )
  })
})

describe('localFailure', () => {
  it('names a full disk', () => {
    const error = Object.assign(new Error('ENOSPC: no space left on device'), {
      code: 'ENOSPC',
      syscall: 'write',
    })
    expect(localFailure(error, 'x.blob')).toMatchObject({
      code: 'ERR_NO_SPACE',
      message: 'x.blob: no space left',
    })
  })

  it("leaves errors alone that are not the system's", () => {
    const error = new Error('mine')
    expect(localFailure(error, 'x')).toBe(error)
  })
})
