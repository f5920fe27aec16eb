// SPDX-License-Identifier: Apache-2.0
// Whatever is damaged: the answer is a FormatError or a walk that ends, never a crash of ours and never a hang.
import { isNydusError } from '@nydus/base/error'
import { describe, expect, it } from 'vitest'
import {
  decodeToc,
  dumpBootstrap,
  encodeChunkMeta,
  encodeTarTrailer,
  encodeToc,
  fileExtents,
  formatBlobMetaFile,
  locateBlobSections,
  lookupEntry,
  openBlobMeta,
  openBootstrap,
  parseBlobMetaFile,
  readChunkIndex,
  readDirectory,
  readSymlink,
  readXattrs,
  validateBootstrap,
  walkTree,
} from '../src/index.ts'
import { output } from './golden.ts'
import { makeBootstrap } from './make-bootstrap.ts'

/** Reads everything there is; returns how many entries the tree has. */
function readAll(bytes: Uint8Array): number {
  const bootstrap = openBootstrap(bytes)
  let entries = 0
  for (const { inode } of walkTree(bootstrap)) {
    entries++
    readXattrs(bootstrap, inode.nid)
    const type = inode.mode & 0xf000
    if (type === 0xa000) readSymlink(bootstrap, inode.nid)
    if (type === 0x4000) lookupEntry(bootstrap, inode.nid, NAME)
    if (type !== 0x8000) continue
    readChunkIndex(bootstrap, inode.nid)
    fileExtents(bootstrap, inode.nid, 0, inode.size)
  }
  bootstrap.prefetchNids()
  const table = bootstrap.chunkTable()
  table.find(0, 0)
  for (const chunk of table) if (chunk.digest.length !== 32) throw new Error('no digest')
  return entries
}

const NAME = Buffer.from('copy')

/** Runs `read`; anything but success or one of our coded errors fails the test. */
function survives(read: () => unknown, what: string): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (isNydusError(error)) return false
    throw new Error(`${what}: ${error}`, { cause: error })
  }
}

function flipEachBit(bytes: Uint8Array, visit: (what: string) => void, from = 0): void {
  for (let at = from; at < bytes.length; at++) {
    const before = bytes[at] as number
    for (let bit = 0; bit < 8; bit++) {
      bytes[at] = before ^ (1 << bit)
      visit(`bit ${bit} of byte 0x${at.toString(16)}`)
    }
    bytes[at] = before
  }
}

describe('a damaged bootstrap', () => {
  it.each([
    ['tiny-tar-v6', 0],
    // Its tables say nothing new.
    ['quirk-two-xattrs-tar-v6', 0x3000],
  ] as const)('%s with any bit flipped from byte %d on', (id, from) => {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    const bytes = output(id, 'bootstrap')
    let refused = 0
    let read = 0
    try {
      flipEachBit(
        bytes,
        (what) => {
          if (survives(() => readAll(bytes), what)) read++
          else refused++
        },
        from,
      )
    } finally {
      Error.stackTraceLimit = limit
    }
    expect(refused).toBeGreaterThan(400)
    expect(read).toBeGreaterThan(1000)
  })

  it('with any byte changed to 0xff is checked and dumped without an exception of ours', () => {
    const bytes = output('tiny-tar-v6', 'bootstrap')
    const sound = validateBootstrap(bytes)
    expect(sound).toEqual([])
    let reported = 0
    for (let at = 1024; at < bytes.length; at++) {
      const before = bytes[at] as number
      bytes[at] = 0xff
      if (validateBootstrap(bytes).length > 0) reported++
      survives(() => [...dumpBootstrap(openBootstrap(bytes))], `byte 0x${at.toString(16)}`)
      bytes[at] = before
    }
    expect(reported).toBeGreaterThan(500)
  })

  it('cut at any byte', () => {
    const bytes = output('tiny-tar-v6', 'bootstrap')
    const whole = readAll(bytes)
    for (let length = 0; length < bytes.length; length++) {
      expect(survives(() => readAll(bytes.subarray(0, length)), `${length} bytes`)).toBe(false)
      // The same with zeros up to the next block, which the size check cannot see.
      const padded = bytes.slice(0, Math.ceil(length / 4096) * 4096).fill(0, length)
      if (survives(() => expect(readAll(padded)).toBeLessThanOrEqual(whole), `${length} bytes`)) {
        expect(length).toBeGreaterThan(0x3000)
      }
    }
  })

  it('with every part of its tables pointing anywhere', () => {
    const values = [0, 1, 4095, 0x7fff_ffff, 0xffff_ffff]
    for (let at = 1024; at < 1408; at += 4) {
      for (const value of values) {
        const bytes = output('tiny-tar-v6', 'bootstrap')
        new DataView(bytes.buffer).setUint32(at, value, true)
        survives(() => readAll(bytes), `0x${at.toString(16)}=${value}`)
      }
    }
    expect(survives(() => readAll(output('tiny-tar-v6', 'bootstrap')), 'intact')).toBe(true)
  })

  it('of 4 MiB that is all directories and cycles ends soon', () => {
    const big = new Uint8Array(4 << 20)
    big.set(output('tiny-tar-v6', 'bootstrap'))
    const root = big.slice(0x3000, 0x3000 + 64)
    new DataView(root.buffer).setUint32(8, 2 << 20, true)
    for (let at = 0x3000; at + 64 < big.length; at += 64) big.set(root, at)
    const steps = { count: 0 }
    survives(() => {
      for (const _ of readDirectory(openBootstrap(big), 128)) steps.count++
    }, 'directory')
    survives(() => readAll(big), 'walk')
    expect(steps.count).toBeLessThan(1 << 20)
  })
})

describe('many inodes over the same bytes', () => {
  const mode = 0o120777
  const links = Array.from({ length: 100 }, (_, i) => ({
    name: `l${String(i).padStart(3, '0')}`,
    nid: 200 + 2 * i,
    fileType: 7,
  }))
  const root = { nid: 128, mode: 0o40755, entries: links }
  it('are refused when their targets together are longer than the bootstrap', () => {
    const inodes = links.map(({ nid }) => ({ nid, mode, plain: { block: 9, size: 4096 } }))
    const bytes = makeBootstrap([root, ...inodes])
    bytes.fill(0x61, 9 * 4096, 10 * 4096)
    expect(() => readAll(bytes)).toThrowError(/overlap/)
  })
  it('are read when they are short', () => {
    const inodes = links.map(({ nid }) => ({ nid, mode, plain: { block: 9, size: 1 } }))
    const bytes = makeBootstrap([root, ...inodes])
    bytes.fill(0x61, 9 * 4096, 10 * 4096)
    expect(readAll(bytes)).toBe(101)
  })
})

describe('damaged records of a layer blob', () => {
  const digest = new Uint8Array(32).fill(9)
  const section = {
    compressor: 'zstd',
    digest,
    compressedOffset: 0,
    compressedSize: 10,
    uncompressedSize: 20,
  } as const
  const toc = encodeToc([
    { ...section, name: 'image.blob' },
    { ...section, name: 'image.boot' },
  ])
  const tail = new Uint8Array(
    Buffer.concat([new Uint8Array(64), toc, encodeTarTrailer('rafs.blob.toc', toc.length)]),
  )
  const chunks = [0, 1, 2].map((i) => ({
    uncompressedOffset: i * 4096,
    uncompressedSize: 4096,
    compressedOffset: i * 100,
    compressedSize: 100,
    compressed: true,
    encrypted: false,
  }))
  const array = encodeChunkMeta(2, chunks)
  const shape = { features: 0x4000_0005, chunkCount: 3 }
  const metaFile = formatBlobMetaFile(array, {
    ...shape,
    compressor: 'none',
    metaOffset: 300,
    metaCompressedSize: array.length,
    metaUncompressedSize: array.length,
    contextOffset: 0,
    contextSize: 0,
    contextCount: 0,
  })
  const readMeta = (file: Uint8Array): void => {
    const { meta } = parseBlobMetaFile(file)
    for (let i = 0; i < meta.chunkCount; i++) meta.chunk(i)
    for (const offset of [0, 5000, 12288, 2 ** 43]) meta.find(offset)
  }

  it.each([
    ['ToC', toc, (bytes: Uint8Array) => decodeToc(bytes)],
    ['tail', tail, (bytes: Uint8Array) => locateBlobSections(bytes, 100_000)],
    ['blob meta file', metaFile, readMeta],
    ['chunk array', array, (bytes: Uint8Array) => openBlobMeta(bytes, shape).chunk(2)],
  ] as const)('%s cut at any byte or with any bit flipped', (what, bytes, read) => {
    const copy = new Uint8Array(bytes)
    expect(survives(() => read(copy), what)).toBe(true)
    let refused = 0
    for (let length = 0; length < copy.length; length++) {
      if (!survives(() => read(copy.subarray(0, length)), `${what} of ${length} bytes`)) refused++
    }
    expect(refused).toBeGreaterThan(copy.length * 0.6)
    flipEachBit(copy, (place) => survives(() => read(copy), `${what}: ${place}`))
    expect(Buffer.compare(copy, bytes)).toBe(0)
  })
})
