// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

function run(pretendedVersion: string | undefined, ...args: string[]) {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${pretendedVersion}' } })`
  const preload =
    pretendedVersion === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`]
  return spawnSync(process.execPath, ['--conditions=@nydus/source', ...preload, MAIN, ...args], {
    encoding: 'utf8',
  })
}

describe('nydusd', () => {
  it.each(['20.20.2', '22.18.0', '18.0.0'])('says in one line that Node %s is too old', (version) => {
    const { status, stdout, stderr } = run(version, '--version')
    expect({ status, stdout }).toEqual({ status: 78, stdout: '' })
    expect(stderr).toBe(`nydusd needs Node 22.19 or newer, this is ${version}\n`)
  })

  it.each(['22.19.0', '24.0.0', undefined])('runs on Node %s', (version) => {
    const { status, stdout, stderr } = run(version, '--version')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^Version: \t/)
  })

  it('fails with one line that has a code and a hint', () => {
    const { status, stdout, stderr } = run(
      undefined,
      '--mountpoint',
      '/m',
      '--bootstrap',
      '/b',
      '--upgrade',
      '-D',
      '/d',
    )
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(/^nydusd: hot upgrade is not supported yet \(ERR_USAGE\); hint: .+\n$/)
  })
})
