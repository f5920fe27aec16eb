// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { buildTar } from '../../src/tar/build-tar.ts'

describe('buildTar', () => {
  it('writes what the system tar reads', () => {
    const tar = buildTar([
      { path: 'd/', type: 'directory', mode: 0o755 },
      { path: 'd/file', content: 'hello', mode: 0o600, uid: 5, gid: 6 },
      { path: `d/${'n'.repeat(200)}`, content: '' },
      { path: 'd/link', type: 'symlink', target: 'file' },
      { path: 'd/hard', type: 'hardlink', target: 'd/file' },
    ])
    const names = execFileSync('tar', ['-tf', '-'], { input: tar }).toString().trimEnd().split('\n')
    expect(names).toEqual(['d/', 'd/file', `d/${'n'.repeat(200)}`, 'd/link', 'd/hard'])
    expect(execFileSync('tar', ['-xOf', '-', 'd/file'], { input: tar }).toString()).toBe('hello')
    expect(
      execFileSync('tar', ['--numeric-owner', '-tvf', '-', 'd/file'], { input: tar }).toString(),
    ).toContain('5/6')
  })

  it('writes raw names, attributes and values that no header holds, as an independent reader sees them', () => {
    const tar = buildTar([
      { path: Buffer.from([0x61, 0xff]), content: 'x', xattrs: { 'user.a': Buffer.from([0, 0xff, 0x3d]) } },
      { path: 'old', mtime: -1.5, uid: 5_000_000, content: '' },
      { path: 'dev', type: 'char', rdev: [1, 3] },
      { path: 'liar', content: 'x', size: 700 },
    ])
    const text = Buffer.from(tar).toString('latin1')
    expect(text).toContain('27 SCHILY.xattr.user.a=\0\xff=\n')
    expect(text).toContain('14 mtime=-1.5\n')
    expect(text).toContain('15 uid=5000000\n')
    const listed = execFileSync('tar', ['--numeric-owner', '-tvf', '-', 'old', 'dev'], {
      input: tar.subarray(0, tar.length - 2048),
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
    }).toString()
    expect(listed).toContain('5000000/0')
    expect(listed).toContain('1969-12-31 23:59')
    expect(listed).toMatch(/^crw.* 1,3 .* dev$/m)
    expect(text.slice(-2048).slice(124, 135)).toBe('00000001274')
  })
})
