// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeDirectories } from '../src/make-directories.ts'

describe('makeDirectories', () => {
  it('makes what is missing, and may be called again', async () => {
    const root = mkdtempSync(join(tmpdir(), 'make-'))
    onTestFinished(() => rmSync(root, { recursive: true, force: true }))
    for (let i = 0; i < 2; i++) await makeDirectories(join(root, 'a/b/c'))
    expect(statSync(join(root, 'a/b/c')).isDirectory()).toBe(true)
    writeFileSync(join(root, 'file'), '')
    await expect(makeDirectories(join(root, 'file/x/y'))).rejects.toMatchObject({ code: 'ENOTDIR' })
  })

  it('ends where nothing can be made', async () => {
    await expect(makeDirectories('/proc/none/x')).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
