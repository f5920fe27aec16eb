// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/commands/command-table.ts'
import { call } from '../call.ts'

/** What bash offers behind `words`. */
async function complete(words: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await call(['completion', 'bash'])
  const quoted = words.map((word) => `'${word}'`).join(' ')
  const script = `${stdout}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _nydus; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { status, stdout: offered, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return offered.trim().split('\n')
}

describe('nydus completion', () => {
  it('bash offers commands, verbs and flags', async () => {
    expect(await complete(['nydus', 'co'])).toEqual(['convert', 'copy', 'commit', 'completion'])
    expect(await complete(['nydus', 'inspect', 'd'])).toEqual(['du', 'diff'])
    expect(await complete(['nydus', 'copy', '--all'])).toEqual(['--all-platforms'])
  })

  it.each(['zsh', 'fish'])('%s knows every command and its flags', async (shell) => {
    const { status, stdout } = await call(['completion', shell])
    expect(status).toBe(0)
    for (const { name } of COMMANDS) expect(stdout).toContain(name)
    expect(stdout).toContain('all-platforms')
    expect(stdout.split("'").length % 2).toBe(1) // all quotes are closed
  })

  it.each([[[]], [['tcsh']], [['toString']]])('%j is refused', async (operands) => {
    const { status, stderr } = await call(['completion', ...operands])
    expect(status).toBe(2)
    expect(stderr).toMatch(/expected one of bash, zsh, fish/)
  })
})

describe('help', () => {
  it.each(COMMANDS.map(({ name }) => name))('%s shows its flags and examples', async (name) => {
    const { status, stdout } = await call([name, '--help'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^Exit status: /m)
    if (name !== 'commit') expect(stdout).toMatch(/^Examples:\n {2}.*nydus/m)
  })

  it('groups the commands', async () => {
    const { stdout } = await call(['--help'])
    const headings = [...stdout.matchAll(/^(Make images|Look into and use images|This machine):$/gm)]
    expect(headings.map(([, heading]) => heading)).toEqual([
      'Make images',
      'Look into and use images',
      'This machine',
    ])
  })
})
