// SPDX-License-Identifier: Apache-2.0
// Every bootstrap that the original tools wrote is opened, checked, dumped, and says what `nydus-image check -v` said.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  type Bootstrap,
  blobTailSize,
  type ChunkInfo,
  chunkCrc32c,
  dumpBootstrap,
  FILE_TYPE,
  hexText,
  locateBlobSections,
  openBootstrap,
  parseBlobMetaFile,
  pathText,
  readFileChunks,
  readSymlink,
  readXattrs,
  S_IFMT,
  type TreeEntry,
  validateBootstrap,
  walkTree,
} from '../src/index.ts'
import { type CheckedChunk, type CheckedInode, parseCheckText } from './check-text.ts'
import { type Fixture, load, MANIFEST, type StoredFile } from './golden.ts'

interface Golden {
  readonly id: string
  readonly bytes: Uint8Array
  /** What the original's check printed. */
  readonly checked?: readonly CheckedInode[]
}

type CheckedFixture = Fixture & { readonly check?: { readonly stdout?: StoredFile; readonly exit: number } }

/** The original refuses these itself, nydusd included: `optimize` leaves a size in the blob table that cannot be. */
const REFUSED = new Set([
  'optimize-mixed-tar-v6-zstd-blake3',
  'optimize-mixed-tar-v6-none-blake3',
  'optimize-layers-merge-v6-layers',
])
/** Accepted by the original's check, but what the findings are about cannot be read with the original either. */
const DAMAGED: Readonly<Record<string, string>> = {
  'types-tarfs': 'a long symlink target was written over by the next inodes',
  'own-chain1-v6': 'a tar with a parent bootstrap: chunks name the wrong blob',
  'own-chain2-v6': 'a tar with a parent bootstrap: chunks name the wrong blob',
  'quirk-hardlink-xattr-tar-v5': 'xattrs that nobody counted moved the inodes behind them',
}
/** Two links of one file have different times in RAFS v5; here, as in a mount, a file has one. */
const LINKS_DIFFER = new Set(['quirk-hardlink-meta-tar-v5'])
const MAGICS = new Map([
  [0, 0x5241_4653],
  [1024, 0xe0f5_e1e2],
])

function isBootstrap(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return [...MAGICS].some(([at, magic]) => bytes.length >= at + 4 && view.getUint32(at, true) === magic)
}

function goldens(): readonly Golden[] {
  return (MANIFEST.fixtures as readonly CheckedFixture[]).flatMap(({ id, outputs = {}, check }) => {
    const text = check?.exit === 0 && check.stdout?.path ? new TextDecoder().decode(load(check.stdout)) : ''
    return Object.entries(outputs).flatMap(([name, file]) => {
      if (!file.path || !/bootstrap|disk/.test(name)) return []
      const bytes = load(file)
      if (!isBootstrap(bytes)) return []
      return [
        {
          id: name === 'bootstrap' ? id : `${id}:${name}`,
          bytes,
          ...(name === 'bootstrap' && text !== '' && { checked: parseCheckText(text) }),
        },
      ]
    })
  })
}

const TEXTURES = process.env.NYDUS_UPSTREAM_TEXTURES
const TEXTURE_FILES = [
  'bootstrap/rafs-v6-2.2.boot',
  'repeatable/sha256-nocompress-repeatable',
  'repeatable/blake3-lz4_block-non_repeatable',
]
const GOLDENS = goldens()

/** Without warnings. */
function errorsOf(bytes: Uint8Array): readonly string[] {
  const errors = validateBootstrap(bytes).filter(({ severity }) => severity === 'error')
  return errors.map(({ place, message }) => `${place}: ${message}`)
}

function summary(bootstrap: Bootstrap, { path, inode }: TreeEntry, expected: CheckedInode): CheckedInode {
  const type = inode.mode & S_IFMT
  const damagedLink = expected.target?.includes('\\0') === true
  const target =
    type === FILE_TYPE.SYMLINK ? pathText([readSymlink(bootstrap, inode.nid)]).slice(1) : undefined
  const chunks = type === FILE_TYPE.REGULAR ? readFileChunks(bootstrap, inode.nid) : []
  return {
    path: isPlain(expected.path) ? pathText(path) : expected.path,
    ino: bootstrap.fsVersion === 6 ? inode.nid : inode.ino,
    nlink: inode.nlink,
    size: inode.size,
    hasXattr: readXattrs(bootstrap, inode.nid).length > 0,
    target: damagedLink || !isPlain(expected.target ?? '') ? expected.target : target,
    mtime: inode.mtime,
    mtimeNsec: inode.mtimeNsec,
    chunks: chunks.map((chunk, i) => chunkSummary(chunk, expected.chunks[i])),
  }
}

/** The original takes the last chunk of a tarfs file for empty when it is a whole one. */
function chunkSummary(chunk: ChunkInfo, expected: CheckedChunk | undefined): CheckedChunk {
  const empty = expected?.uncompressedSize === 0 && { compressedSize: 0, uncompressedSize: 0 }
  return {
    digest: hexText(chunk.digest),
    chunkIndex: chunk.chunkIndex,
    blobIndex: chunk.blobIndex,
    compressedOffset: chunk.compressedOffset,
    compressedSize: chunk.compressedSize,
    uncompressedOffset: chunk.uncompressedOffset,
    uncompressedSize: chunk.uncompressedSize,
    crc32c: chunkCrc32c(chunk) ?? 0,
    ...empty,
  }
}

/** The original escapes other names in another way. */
function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text) && !/["\\]/.test(text)
}

describe('every bootstrap of the original', () => {
  it.each(GOLDENS.filter(({ id }) => !REFUSED.has(id) && !(id in DAMAGED)))('$id is sound', ({ bytes }) => {
    expect(errorsOf(bytes)).toEqual([])
  })
  it.each(GOLDENS.filter(({ id }) => id in DAMAGED))(
    '$id is damaged, which the check reports',
    ({ bytes }) => {
      expect(errorsOf(bytes)).not.toEqual([])
    },
  )
  it.each(GOLDENS.filter(({ id }) => REFUSED.has(id)))('$id is refused', ({ bytes }) => {
    expect(() => openBootstrap(bytes)).toThrowError(/bad meta size/)
  })
  it.each(GOLDENS.filter(({ id }) => !REFUSED.has(id) && !(id in DAMAGED)))('$id is dumped', ({ bytes }) => {
    const bootstrap = openBootstrap(bytes)
    const lines = [...dumpBootstrap(bootstrap)]
    expect(lines.filter((line) => line.startsWith('inode '))).toHaveLength([...walkTree(bootstrap)].length)
    expect(lines.some((line) => /\p{Cc}/u.test(line))).toBe(false)
  })
  const comparable = GOLDENS.filter(
    ({ id, checked }) => checked && !REFUSED.has(id) && !LINKS_DIFFER.has(id) && !(id in DAMAGED),
  )
  it.each(comparable)('$id says what the original’s check says', ({ bytes, checked = [] }) => {
    const bootstrap = openBootstrap(bytes)
    const entries = [...walkTree(bootstrap)]
    expect(entries).toHaveLength(checked.length)
    for (const [i, entry] of entries.entries()) {
      const expected = checked[i]
      if (expected) expect(summary(bootstrap, entry, expected)).toEqual(expected)
    }
  })
  it('covers both versions and hundreds of images', () => {
    const versions = GOLDENS.map(({ bytes }) => (bytes[0] === 0 ? 6 : 5))
    for (const version of [5, 6])
      expect(versions.filter((found) => found === version).length).toBeGreaterThan(100)
    expect(GOLDENS.filter(({ checked }) => checked).length).toBeGreaterThan(200)
  })
})

describe('the bootstraps of the upstream tests', () => {
  if (TEXTURES === undefined || !existsSync(TEXTURES)) {
    const reason =
      'NYDUS_UPSTREAM_TEXTURES names no directory: the bootstraps of the upstream tests are not read'
    process.stderr.write(`[nydus] ${reason}\n`)
    it.skip(reason)
    return
  }
  it.each(TEXTURE_FILES)('%s is sound and dumped', (name) => {
    const bytes = new Uint8Array(readFileSync(join(TEXTURES, name)))
    expect(errorsOf(bytes)).toEqual([])
    const bootstrap = openBootstrap(bytes)
    const inodes = [...dumpBootstrap(bootstrap)].filter((line) => line.startsWith('inode '))
    expect(inodes).toHaveLength([...walkTree(bootstrap)].length)
    expect(inodes.length).toBeGreaterThan(2)
  })
  it('the blob meta of a referenced tar.gz has its contexts and dictionaries', () => {
    const path = 'zran/233c72f2b6b698c07021c4da367cfe2dff4f049efbaa885ca0ff760ea297865a.blob.meta.gz'
    const { header, meta } = parseBlobMetaFile(new Uint8Array(gunzipSync(readFileSync(join(TEXTURES, path)))))
    const contexts = Array.from({ length: meta.contextCount }, (_, i) => meta.zranContext(i))
    const dictionaries = contexts.map((context) => meta.zranDictionary(context).length)
    expect(contexts).toHaveLength(21)
    expect(dictionaries.reduce((sum, size) => sum + size, 0)).toBe(header.contextSize - 21 * 40)
    expect(meta.chunk(meta.chunkCount - 1).zran?.context).toBe(20)
  })
  it('the table of contents of an early builder is read, its data where it is', () => {
    const name = '2fa78cad554b75ac91a4a125ed148d0ddeb25efa4aaa8bd80e5dc292690a4dca'
    const blob = new Uint8Array(readFileSync(join(TEXTURES, 'toc', name)))
    const { sections } = locateBlobSections(blob.subarray(-blobTailSize(blob.length)), blob.length)
    expect(sections.map((section) => [section.name, section.compressedOffset])).toEqual([
      ['image.blob', 0],
      ['blob.meta', 3341],
      ['blob.meta.header', 3389],
      ['image.boot', 7997],
    ])
  })
})
