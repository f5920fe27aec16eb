// SPDX-License-Identifier: Apache-2.0
// The v5 bootstraps of the original's own tests. They are not ours to keep: NYDUS_UPSTREAM_TEXTURES says where they are.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  blobChunks,
  bytesText,
  FILE_TYPE,
  openBootstrap,
  readFileChunks,
  readSymlink,
  S_IFMT,
  validateBootstrap,
  walkTree,
} from '../../src/index.ts'
import { openV5 } from './open-v5.ts'

const DIRECTORY = process.env.NYDUS_UPSTREAM_TEXTURES ?? ''
const REPEATABLE = join(DIRECTORY, 'repeatable')
const present = DIRECTORY !== '' && existsSync(REPEATABLE)
if (!present) {
  console.warn(
    'SKIPPED: v5 textures of the original: NYDUS_UPSTREAM_TEXTURES names no directory with repeatable/',
  )
}

interface TextureEntry {
  readonly type: string
  readonly name: string
  readonly target?: string
  readonly contents?: readonly TextureEntry[]
}

/** `path type` of each line of `tree -J`, links with their targets. */
function* texturePaths(entries: readonly TextureEntry[], parent = ''): Generator<string> {
  for (const { type, name, target, contents } of entries) {
    if (type === 'report') continue
    const path = `${parent}/${name}`
    yield target === undefined ? `${path} ${type}` : `${path} ${type} ${target}`
    yield* texturePaths(contents ?? [], path)
  }
}

describe.skipIf(!present)('v5 textures of the original', () => {
  it.each([
    ['sha256-nocompress-repeatable', 'sha256'],
    ['blake3-lz4_block-non_repeatable', 'blake3'],
  ])('%s', (name, digester) => {
    const bytes = new Uint8Array(readFileSync(join(REPEATABLE, name)))
    const bootstrap = openV5(bytes)
    expect(bootstrap).toMatchObject({ digester, compressor: 'none' })
    expect(validateBootstrap(bytes)).toEqual([])
    const blob = new Uint8Array(
      gunzipSync(readFileSync(join(REPEATABLE, 'blobs', `${bootstrap.blobs[0]?.blobId}.gz`))),
    )
    const chunks = blobChunks(bootstrap, 0)
    expect(chunks).toHaveLength(23)
    expect(chunks.compressedSize).toBeLessThanOrEqual(blob.length)
    const [tree = '', ...sums] = readFileSync(join(REPEATABLE, `${name}.result`), 'utf8').split(
      /^(?=\w{32} )/m,
    )
    const [root] = JSON.parse(tree) as TextureEntry[]
    expect(listTexture(bytes)).toEqual([...texturePaths(root?.contents ?? [])].toSorted())
    expect(contentSums(bytes, blob)).toEqual(sums.map((line) => line.trim()).toSorted())
  })
})

/** Lines of md5sum. Nothing of the blob is compressed. */
function contentSums(bytes: Uint8Array, blob: Uint8Array): string[] {
  const bootstrap = openBootstrap(bytes)
  const files = [...walkTree(bootstrap)].filter(({ inode }) => (inode.mode & S_IFMT) === FILE_TYPE.REGULAR)
  const lines = files.map(({ path, inode }) => {
    const md5 = createHash('md5')
    for (const { compressedOffset: at, compressedSize } of readFileChunks(bootstrap, inode.nid)) {
      md5.update(blob.subarray(at, at + compressedSize))
    }
    return `${md5.digest('hex')}  /${path.map(bytesText).join('/')}`
  })
  return lines.toSorted()
}

function listTexture(bytes: Uint8Array): string[] {
  const bootstrap = openBootstrap(bytes)
  const lines = [...walkTree(bootstrap)].slice(1).map(({ path, inode }) => {
    const type = inode.mode & S_IFMT
    const name = `/${path.map(bytesText).join('/')}`
    if (type === FILE_TYPE.SYMLINK) return `${name} link ${bytesText(readSymlink(bootstrap, inode.nid))}`
    return `${name} ${type === FILE_TYPE.DIRECTORY ? 'directory' : 'file'}`
  })
  return lines.toSorted()
}
