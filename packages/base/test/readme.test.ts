// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

describe('the example of the README', () => {
  it('runs', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
    const arguments_ = ['--conditions=@nydus/source', '--input-type=module-typescript', '-e', code]
    const { stdout, stderr } = spawnSync(process.execPath, arguments_, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    })
    expect(stdout).toBe('128 32\n')
    expect(stderr).toContain('zstd data decompresses to 10 bytes, expected 11')
  })
})
