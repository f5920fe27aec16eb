// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { output } from './golden.ts'

const directory = mkdtempSync(join(tmpdir(), 'rafs-format-'))
afterAll(() => rmSync(directory, { recursive: true }))

describe('the example of the README', () => {
  it('runs and lists an image', () => {
    const file = join(directory, 'image.boot')
    writeFileSync(file, output('tiny-tar-v6', 'bootstrap'))
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
    const code = example.replace("'image.boot'", JSON.stringify(file))
    const arguments_ = ['--conditions=@nydus/source', '--input-type=module-typescript', '-e', code]
    const printed = execFileSync(process.execPath, arguments_, { cwd: import.meta.dirname, encoding: 'utf8' })
    expect(printed.split('\n').slice(1, -1)).toEqual([
      '/  103 0',
      '/b b 5000 1',
      '/copy copy 9 1',
      '/dir dir 40 0',
      '/dir/a a 9 1',
      '/hard hard 5000 1',
      '/link link 5 0',
    ])
  })
})
