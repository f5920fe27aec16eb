// SPDX-License-Identifier: Apache-2.0
import { startRegistry } from '@nydus/testkit'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { PlaneProbe } from '../../src/doctor/data-plane.ts'
import { formatDoctorReport } from '../../src/doctor/doctor-report.ts'
import { examine } from '../../src/doctor/examine.ts'
import type { Machine } from '../../src/doctor/machine.ts'
import { call } from '../call.ts'
import { pushGolden } from '../golden-image.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

const FILES: Readonly<Record<string, string>> = {
  '/proc/filesystems': 'nodev\ttmpfs\nnodev\tfuse\n\terofs\n',
  '/proc/self/status': 'CapEff:\t000001ffffffffff\n',
  '/dev/fuse': '',
}
const HEALTHY: Machine = {
  platform: 'linux',
  arch: 'x64',
  nodeVersion: '24.0.0',
  kernel: '6.18.0',
  euid: 0,
  home: '/root',
  readText: (path) => FILES[path],
  exists: (path) => path in FILES || path === '/',
  mayOpen: () => true,
  hasProgram: () => false,
  freeBytes: () => 1e12,
  whyNoBinding: async () => undefined,
}
const GOOD_KERNEL: PlaneProbe = { testErofs: async () => ({ usable: true }), whyNotErofs: () => undefined }
const NOT_ROOT: Partial<Machine> = {
  euid: 1000,
  mayOpen: (path) => path !== '/dev/fuse',
  readText: (path) => (path === '/proc/self/status' ? 'CapEff:\t0000000000000000\n' : FILES[path]),
}

function examined(changes: Partial<Machine> = {}, probe = GOOD_KERNEL) {
  return examine({ machine: { ...HEALTHY, ...changes }, places: [], workDir: '/tmp/none', probe })
}

describe('examine', () => {
  it('foretells erofs where the kernel passes its test', async () => {
    const report = await examined()
    expect(report).toMatchObject({ healthy: true, dataPlane: { plane: 'erofs' } })
    expect(formatDoctorReport(report)).toMatch(/^nydusd --data-plane auto takes the erofs data plane: /m)
  })

  it('says why it is fuse', async () => {
    const zeros = {
      testErofs: async () => ({ usable: false, reason: 'zeros' }) as const,
      whyNotErofs: () => undefined,
    }
    expect((await examined({}, zeros)).dataPlane).toEqual({ plane: 'fuse', reason: 'zeros' })
    const helped = await examined({ ...NOT_ROOT, hasProgram: (name) => name === 'fusermount3' })
    expect(helped).toMatchObject({
      healthy: true,
      dataPlane: { plane: 'fuse', reason: 'only root may mount EROFS' },
    })
  })

  it.each([
    ['fuse device', { exists: (path: string) => path === '/' }],
    ['fuse device', NOT_ROOT],
    ['permissions', NOT_ROOT],
    [
      'file systems',
      { readText: (path: string) => (path === '/proc/filesystems' ? '\text4\n' : FILES[path]) },
    ],
    ['native calls', { whyNoBinding: async () => 'no koffi' }],
  ] satisfies [string, Partial<Machine>][])(
    'without its %s nothing can be mounted',
    async (name, changes) => {
      const report = await examined(changes)
      expect(report.checks.find((check) => check.name === name)).toMatchObject({ status: 'fail' })
      expect(report).toMatchObject({ healthy: false, dataPlane: { plane: 'none' } })
      expect(formatDoctorReport(report)).toMatch(/something is wrong, see FAIL above$/)
    },
  )

  it.each([
    ['kernel', 'warn', { platform: 'darwin' }],
    ['disk space', 'warn', { freeBytes: () => 1e6 }],
    ['disk space', 'fail', { mayOpen: (path: string) => path === '/dev/fuse' }],
    ['credentials', 'fail', { exists: () => true, readText: (path: string) => FILES[path] ?? 'not json' }],
  ] as const)('%s: %s', async (name, status, changes) => {
    const { checks } = await examined(changes as Partial<Machine>)
    expect(checks.find((check) => check.name === name)).toMatchObject({ status })
  })
})

describe('nydus doctor', () => {
  it('reaches registries and images, and sees what is missing', async () => {
    const registry = await startRegistry()
    onTestFinished(() => registry.close())
    const { host } = registry
    await pushGolden('image-default', `${host}/app:1`)
    await pushGolden('image-v5', `${host}/app:5`)
    const places = [host, `${host}/app:1`, `${host}/app:none`, 'localhost:1']
    const argv = ['doctor', ...places, '--plain-http', '--json', '--work-dir', temporaryDirectory()]
    const { status, stdout } = await call([...argv, '--platform', 'linux/amd64'])
    expect(status).toBe(5)
    const { checks, healthy } = JSON.parse(stdout)
    expect(healthy).toBe(false)
    const statusOf = (name: string) => checks.find((check: { name: string }) => check.name === name).status
    expect(places.map(statusOf)).toEqual(['ok', 'ok', 'fail', 'fail'])
  }, 60_000)

  it('sees a registry that ignores ranges', async () => {
    const registry = await startRegistry()
    onTestFinished(() => registry.close())
    await pushGolden('image-default', `${registry.host}/app:1`)
    registry.fault({
      on: { kind: 'blob', url: /./, method: 'GET' },
      skip: 2, // config and bootstrap layer
      times: Number.POSITIVE_INFINITY,
      action: { do: 'ignore-range' },
    })
    const argv = ['doctor', `${registry.host}/app:1`, '--plain-http', '--platform', 'linux/amd64']
    const { stdout } = await call([...argv, '--work-dir', temporaryDirectory()])
    expect(stdout).toMatch(/^FAIL 127\.0\.0\.1:\d+\/app:1 .* ignores the Range header$/m)
  })
})
