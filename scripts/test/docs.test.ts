// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EXIT_STATUS } from '../../packages/base/src/error/exit-code.ts'

const root = join(import.meta.dirname, '../..')

function markdownFiles(): string[] {
  const below = (directory: string) =>
    readdirSync(join(root, directory), { recursive: true })
      .map(String)
      .filter((path) => path.endsWith('.md') && !path.includes('node_modules'))
      .map((path) => join(directory, path))
  const packages = ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(group, name, 'README.md')),
  )
  return ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...below('docs'), ...packages]
}

describe('documentation', () => {
  it.each(markdownFiles())('%s exists and links only to files that exist', (file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) => match[1] as string)
    const broken = links.filter((link) => !existsSync(join(root, dirname(file), link)))
    expect(broken).toEqual([])
  })

  it('lists every error code with its exit status', () => {
    const text = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    const documented = [...text.matchAll(/^\| `(ERR_\w+)` \| (\d+) \|/gm)].map((match) => [
      match[1],
      Number(match[2]),
    ])
    expect(Object.fromEntries(documented)).toEqual(EXIT_STATUS)
  })
})
