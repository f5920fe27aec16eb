// SPDX-License-Identifier: Apache-2.0
/** The golden trees as directories: unpacked as root, so that owners and devices are there. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Xattr } from '@nydus/rafs-format'
import { readTar } from '../src/tar/read-tar.ts'
import { byteName } from '../src/tree/byte-name.ts'
import { readTree } from './fixture-store.ts'
import { pieces } from './layer-bytes.ts'

/** An unpacked tree. */
export interface SourceTree {
  readonly path: string
  /** Extended attributes as its tar has them: Node.js cannot read those of files. */
  readXattrs(path: Uint8Array): readonly Xattr[]
}

/** Directories without an entry have the time at which they were unpacked when the goldens were made. */
const IMPLIED_DIRECTORIES: Readonly<Record<string, { name: string; mtime: string }>> = {
  layer1: { name: 'keep', mtime: '@1795514398.495662273' },
}

/** Unpacks trees below one temporary directory. */
export class SourceTrees {
  readonly #base = mkdtempSync(join(tmpdir(), 'nydus-trees-'))

  /** The tree `name`, e.g. `mixed` or `trees/mixed`. */
  async unpack(name: string): Promise<SourceTree> {
    const tree = name.replace(/^trees\//, '')
    const path = join(this.#base, tree)
    const tar = readTree(tree)
    if (!existsSync(path)) {
      mkdirSync(path)
      writeFileSync(`${path}.tar`, tar)
      execFileSync(
        'tar',
        ['-xpf', `${path}.tar`, '-C', path, '--numeric-owner', '--delay-directory-restore'],
        { stdio: 'ignore' },
      )
      if (tree === 'types') await addSocket(join(path, 'socket'))
      const implied = IMPLIED_DIRECTORIES[tree]
      if (implied !== undefined) execFileSync('touch', ['-d', implied.mtime, join(path, implied.name)])
    }
    const xattrs = await xattrsOf(tar)
    const prefix = Buffer.byteLength(path) + 1
    return { path, readXattrs: (bytes) => xattrs.get(byteName(bytes.subarray(prefix))) ?? [] }
  }

  remove(): void {
    rmSync(this.#base, { recursive: true, force: true })
  }
}

async function xattrsOf(tar: Uint8Array): Promise<ReadonlyMap<string, readonly Xattr[]>> {
  const found = new Map<string, readonly Xattr[]>()
  for await (const { path, xattrs, kind, target } of readTar(pieces(tar))) {
    const name = path.map(byteName).join('/')
    const linked = kind === 'hardlink' && target !== undefined ? found.get(byteName(target)) : undefined
    found.set(name, linked ?? xattrs)
  }
  return found
}

async function addSocket(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  chmodSync(path, 0o755)
  utimesSync(path, 1_700_000_000, 1_700_000_000)
  // Closing would remove the socket; the process's end does not.
  server.unref()
}
