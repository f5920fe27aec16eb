// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkMountpoint, mountAt, parseMountInfo } from '../src/mountpoint.ts'

const TABLE = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:5 / /proc rw - proc proc rw
99 22 0:52 / /mnt/a\\040b rw,nosuid shared:2 master:1 - fuse rafs ro,user_id=0
100 22 0:53 / /mnt/stacked rw - tmpfs tmpfs rw
101 22 0:54 / /mnt/stacked rw - fuse rafs ro
not a line
`

describe('parseMountInfo', () => {
  it('reads device, path, type and source behind any number of optional fields', () => {
    const mounts = parseMountInfo(TABLE)
    expect(mounts).toHaveLength(5)
    expect(mounts[2]).toEqual({ device: '0:52', path: '/mnt/a b', type: 'fuse', source: 'rafs' })
    expect(mounts[1]).toEqual({ device: '0:5', path: '/proc', type: 'proc', source: 'proc' })
  })
})

describe('mountAt', () => {
  it('finds the topmost mount of exactly that path', () => {
    expect(mountAt(parseMountInfo(TABLE), '/mnt/stacked')?.device).toBe('0:54')
    expect(mountAt(parseMountInfo(TABLE), '/mnt')).toBeUndefined()
  })
})

describe.runIf(process.platform === 'linux')('checkMountpoint', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'mountpoint-'))
    writeFileSync(join(directory, 'file'), '')
    symlinkSync('.', join(directory, 'link'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  it('follows links to the real directory', async () => {
    expect(await checkMountpoint(join(directory, 'link'))).toBe(directory)
  })

  it('says that it is missing, with a hint', async () => {
    await expect(checkMountpoint(join(directory, 'none'))).rejects.toMatchObject({
      code: 'ERR_FUSE_MOUNT_FAILED',
      message: expect.stringContaining('does not exist'),
      hint: expect.stringContaining('mkdir'),
    })
  })

  it('says that it is no directory', async () => {
    await expect(checkMountpoint(join(directory, 'file'))).rejects.toMatchObject({
      code: 'ERR_FUSE_MOUNT_FAILED',
      message: expect.stringContaining('not a directory'),
    })
  })
})
