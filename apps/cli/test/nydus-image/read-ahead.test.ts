// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readAhead } from '../../src/nydus-image/create/read-ahead.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

const MIB = 1 << 20

describe('readAhead', () => {
  it.each([0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 5 * MIB + 77])('gives a file of %i bytes', async (size) => {
    const path = join(temporaryDirectory(), 'source')
    const bytes = randomBytes(size)
    writeFileSync(path, bytes)
    const pieces: Uint8Array[] = []
    for await (const piece of readAhead(path)) pieces.push(new Uint8Array(piece))
    expect(pieces.every(({ length }) => length > 0)).toBe(true)
    expect(Buffer.compare(Buffer.concat(pieces), bytes)).toBe(0)
  })

  it('ends early without a read under way', async () => {
    const path = join(temporaryDirectory(), 'source')
    writeFileSync(path, randomBytes(3 * MIB))
    const pieces = readAhead(path)
    expect((await pieces.next()).value).toHaveLength(MIB)
    expect(await pieces.return()).toEqual({ done: true, value: undefined })
  })

  it('tells what cannot be read', async () => {
    await expect(readAhead(temporaryDirectory()).next()).rejects.toMatchObject({ code: 'EISDIR' })
    await expect(readAhead('/no/such/file').next()).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
