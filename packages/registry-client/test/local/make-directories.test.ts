// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeDirectories, removeDirectories } from '../../src/local/make-directories.ts'
import { inDirectory } from '../support/content.ts'

describe('makeDirectories', () => {
  it('makes what is missing, says so, and takes it back', () =>
    inDirectory(async (directory) => {
      await mkdir(join(directory, 'a'))
      const made = makeDirectories(join(directory, 'a', 'b', 'c'))
      expect(made).toEqual([join(directory, 'a', 'b'), join(directory, 'a', 'b', 'c')])
      expect(makeDirectories(join(directory, 'a', 'b'))).toEqual([])
      removeDirectories(made)
      expect(await readdir(directory, { recursive: true })).toEqual(['a'])
    }))

  it('does not remove what is not empty', () =>
    inDirectory(async (directory) => {
      const made = makeDirectories(join(directory, 'a', 'b'))
      await writeFile(join(directory, 'a', 'file'), 'x')
      removeDirectories(made)
      expect(await readdir(directory, { recursive: true })).toEqual(['a', 'a/file'])
    }))

  it('fails on a file or a dangling link in the way, and leaves nothing', () =>
    inDirectory(async (directory) => {
      await writeFile(join(directory, 'file'), 'x')
      await symlink('none', join(directory, 'link'))
      for (const name of ['file', 'link']) {
        expect(() => makeDirectories(join(directory, name, 'a'))).toThrow(/EEXIST|ENOTDIR/)
      }
      expect((await readdir(directory)).toSorted()).toEqual(['file', 'link'])
    }))

  it.runIf(process.platform === 'linux')('ends where a file system makes no directories', () => {
    expect(() => makeDirectories('/proc/nydus-none/a')).toThrow('ENOENT')
  })
})
