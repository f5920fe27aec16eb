// SPDX-License-Identifier: Apache-2.0
/** The layers of the demo image: what the clone has installed, and one layer of deletions and odd files. */
import { type Dirent, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { TAR_END, type TarMember, tarMember } from '@nydus/testkit'

const MTIME = 1_700_000_000
/** The pinned Node is left out: the demo is about many files, not about one binary of 100 MB. */
const LEFT_OUT = new Set(['node', '@nydus', '.bin', '.cache', '.vite', '.vitest'])

/** Tars of the four layers, each a stream of members, lowest first. */
export function demoLayers(repository: string): (() => Iterable<Uint8Array>)[] {
  const modules = join(repository, 'node_modules')
  const packages = readdirSync(modules)
    .filter((name) => !LEFT_OUT.has(name) && !name.startsWith('.'))
    .sort()
  const thirds = splitBySize(packages, (name) => directoryBytes(join(modules, name)), 3)
  return [...thirds.map((names) => () => packageTar(modules, names)), () => tar(oddMembers())]
}

/** Splits `names` into `count` runs of about the same weight. */
function splitBySize(names: readonly string[], weigh: (name: string) => number, count: number): string[][] {
  const weights = names.map(weigh)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const runs: string[][] = Array.from({ length: count }, () => [])
  let before = 0
  names.forEach((name, index) => {
    runs[Math.min(count - 1, Math.floor((before / total) * count))]?.push(name)
    before += weights[index] ?? 0
  })
  return runs
}

function entries(directory: string): Dirent[] {
  return readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
}

function directoryBytes(directory: string): number {
  return entries(directory).reduce((sum, entry) => {
    const path = join(directory, entry.name)
    return sum + (entry.isDirectory() ? directoryBytes(path) : lstatSync(path).size)
  }, 0)
}

function* packageTar(modules: string, names: readonly string[]): Iterable<Uint8Array> {
  yield tarMember({ path: 'app/', type: 'directory', mode: 0o755, mtime: MTIME })
  yield tarMember({ path: 'app/node_modules/', type: 'directory', mode: 0o755, mtime: MTIME })
  for (const name of names) yield* treeMembers(join(modules, name), `app/node_modules/${name}`)
  yield TAR_END
}

function* treeMembers(directory: string, path: string): Iterable<Uint8Array> {
  yield tarMember({ path: `${path}/`, type: 'directory', mode: 0o755, mtime: MTIME })
  for (const entry of entries(directory)) {
    const from = join(directory, entry.name)
    const to = `${path}/${entry.name}`
    if (entry.isDirectory()) yield* treeMembers(from, to)
    else if (entry.isSymbolicLink())
      yield tarMember({ path: to, type: 'symlink', target: readlinkSync(from), mode: 0o777, mtime: MTIME })
    else if (entry.isFile())
      yield tarMember({
        path: to,
        content: readFileSync(from),
        mode: lstatSync(from).mode & 0o777,
        mtime: MTIME,
      })
  }
}

function* tar(members: readonly TarMember[]): Iterable<Uint8Array> {
  for (const member of members) yield tarMember({ mtime: MTIME, ...member })
  yield TAR_END
}

/** Deletions, an opaque directory and odd files. */
function oddMembers(): TarMember[] {
  return [
    { path: 'app/node_modules/.wh.vite', content: '' },
    { path: 'app/node_modules/zod/', type: 'directory', mode: 0o755 },
    { path: 'app/node_modules/zod/.wh..wh..opq', content: '' },
    { path: 'app/node_modules/zod/package.json', content: '{"name":"zod","version":"replaced"}\n' },
    { path: 'odd/', type: 'directory', mode: 0o1777 },
    {
      path: 'odd/greeting',
      content: 'hello from a lazily mounted image\n',
      xattrs: { 'user.note': 'an attribute' },
    },
    { path: 'odd/hard-link', type: 'hardlink', target: 'odd/greeting' },
    { path: 'odd/setuid', content: '#!/bin/sh\n', mode: 0o4755 },
    { path: 'odd/fifo', type: 'fifo' },
    { path: 'odd/dangling', type: 'symlink', target: '../nowhere', mode: 0o777 },
    { path: Buffer.from([...Buffer.from('odd/latin-'), 0xe9, 0xff]), content: 'a name that is not UTF-8\n' },
    { path: `odd/${'n'.repeat(255)}`, content: 'the longest name\n' },
  ]
}
