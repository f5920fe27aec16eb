// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bootstrapOutput, placeBootstrap } from '../../src/nydus-image/bootstrap-place.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

describe('bootstrapOutput', () => {
  it('names a bootstrap in a directory by its digest', async () => {
    const path = temporaryDirectory()
    const output = bootstrapOutput({ kind: 'directory', path })
    await output.write(Buffer.from('boot'))
    await output.write(Buffer.from('strap'))
    const name = createHash('sha256').update('bootstrap').digest('hex')
    expect(await output.commit()).toBe(join(path, name))
    expect(readFileSync(join(path, name), 'utf8')).toBe('bootstrap')
  })

  it('leaves nothing of what is discarded, written or not', async () => {
    const path = temporaryDirectory()
    const output = bootstrapOutput({ kind: 'file', path: join(path, 'boot') })
    await output.discard()
    await output.write(Buffer.from('half'))
    await output.discard()
    expect(readdirSync(path)).toEqual([])
  })

  it('is what placeBootstrap uses', async () => {
    const path = join(temporaryDirectory(), 'boot')
    expect(await placeBootstrap(Buffer.from('all'), { kind: 'file', path })).toBe(path)
    expect(readFileSync(path, 'utf8')).toBe('all')
    await expect(
      placeBootstrap(Buffer.from('all'), { kind: 'file', path: join(path, 'below') }),
    ).rejects.toMatchObject({ code: 'ERR_BUILD_IO' })
  })
})
