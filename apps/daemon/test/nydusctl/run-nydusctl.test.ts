// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { runNydusctl } from '../../src/nydusctl/run-nydusctl.ts'
import { recorded } from '../recorded-api.ts'

async function run(...argv: readonly string[]) {
  const said = { out: '', err: '' }
  const status = await runNydusctl(argv, {
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
  })
  return { status, ...said }
}

describe('nydusctl', () => {
  const lines = recorded('nydusctl').filter(({ args, exit }) => args !== undefined && exit === 2)

  it.each(lines.map(({ args = [] }) => [args] as const))('%j makes no sense: 2', async (args) => {
    const { status, out, err } = await run(...args)
    expect([status, out, err !== '']).toEqual([2, '', true])
  })

  it('says that nobody listens', async () => {
    expect(await run('-S', '/no/such.sock', 'info')).toEqual({
      status: 1,
      out: '',
      err: 'Error: client error (Connect)\n\nCaused by:\n    No such file or directory (os error 2)\n',
    })
  })

  it('does nothing without a command, and tells its version', async () => {
    expect(await run('-S', '/no/such.sock')).toEqual({ status: 0, out: '', err: '' })
    expect(await run('--version')).toMatchObject({
      status: 0,
      out: expect.stringContaining('Git Commit: \t'),
    })
  })

  it('names a configuration that it cannot read', async () => {
    expect(
      (await run('-S', '/no/such.sock', 'mount', '-s', 'x', '-m', '/a', '-t', 'rafs', '-c', '/none')).err,
    ).toBe('Error: failed to read mount config /none\n')
  })
})
