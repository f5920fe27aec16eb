// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommandLine } from '../src/command-line.ts'
import { pushGolden } from './golden-image.ts'
import { temporaryDirectory } from './temporary-directory.ts'

async function call(...argv: readonly string[]) {
  let stdout = ''
  let stderr = ''
  const out = { write: (text: string) => (stdout += text) }
  const err = { write: (text: string) => (stderr += text) }
  const status = await runCommandLine(argv, out, err, new AbortController().signal)
  return { status, stdout, stderr }
}

async function images() {
  const directory = temporaryDirectory()
  const source = `oci:${join(directory, 'source')}:1`
  const target = `oci:${join(directory, 'target')}:1`
  await pushGolden('image-source-mini-oci', source)
  await pushGolden('image-default', target)
  return { source, target }
}

describe('nydus-check', () => {
  it('equal images exit with 0', async () => {
    const { source, target } = await images()
    const { status, stdout } = await call('--source', source, '--target', target, '--platform', 'linux/amd64')
    expect(status).toBe(0)
    expect(stdout).toMatch(/no difference found/)
  })

  it('prints the report as JSON', async () => {
    const { source, target } = await images()
    const { stdout } = await call(
      '--source',
      source,
      '--target',
      target,
      '--platform',
      'linux/amd64',
      '--json',
    )
    expect(JSON.parse(stdout)).toMatchObject({ passed: true, platform: 'linux/amd64', findings: [] })
  })

  it.each([
    [[], 2, 'nydus-check: --target is missing (ERR_USAGE)\n'],
    [['--nonsense'], 2, "nydus-check: Unknown option '--nonsense' (ERR_USAGE)\n"],
    [['--target', 'UPPER'], 2, '(ERR_REFERENCE_INVALID)'],
    [['--target', 'a', '--platform', 'linux'], 2, '(ERR_USAGE)'],
    [['--target', 'oci:/nonexistent/layout'], 4, 'does not exist (ERR_REGISTRY_NOT_FOUND)'],
  ])('%j exits with %i', async (argv, status, message) => {
    const result = await call(...(argv as string[]))
    expect(result.stderr).toContain(message)
    expect(result.status).toBe(status)
  })

  it('prints help and version', async () => {
    expect(await call('--help')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Usage: nydus-check'),
    })
    expect(await call('--version')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    })
  })
})
