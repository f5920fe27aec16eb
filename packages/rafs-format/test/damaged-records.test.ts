// SPDX-License-Identifier: Apache-2.0
// Every record by itself: cut at any byte it is refused, and whichever bit is flipped the answer is a value or a format error.
import { isNydusError } from '@nydus/base/error'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  blobCipher,
  decodeBatchContext,
  decodeBlobMetaHeader,
  decodeBlobTable,
  decodeChunkInfo,
  decodeChunkMeta,
  decodeDeviceSlots,
  decodePrefetchTable,
  decodeSuperBlock,
  decodeTarTrailer,
  decodeToc,
  decodeXattrs,
  decodeZranContext,
  encodeBatchContexts,
  encodeBlobMetaHeader,
  encodeBlobTable,
  encodeChunkInfo,
  encodeChunkMeta,
  encodeDeviceSlots,
  encodePrefetchTable,
  encodeTarTrailer,
  encodeToc,
  encodeXattrs,
  encodeZranContexts,
  openBlobMeta,
  openBootstrap,
  openChunkTable,
  parseBlobMetaFile,
  validateBlobMeta,
} from '../src/index.ts'
import { load, output } from './golden.ts'
import { madeBlob } from './make-bootstrap.ts'

const DIGEST = new Uint8Array(32).fill(9)
const CHUNK = {
  digest: DIGEST,
  blobIndex: 1,
  flags: 17,
  compressedSize: 2,
  uncompressedSize: 3,
  compressedOffset: 4,
  uncompressedOffset: 5,
  fileOffset: 6,
  chunkIndex: 7,
  crc32c: 8,
}
const META = {
  uncompressedOffset: 4096,
  uncompressedSize: 4096,
  compressedOffset: 100,
  compressedSize: 100,
  compressed: true,
  encrypted: false,
}
const ZRAN = {
  inOffset: 1,
  outOffset: 2,
  dictionaryOffset: 3,
  inSize: 4,
  outSize: 5,
  dictionarySize: 6,
  previousByte: 7,
  unusedBits: 1,
}
const BEFORE_DEVICES = new Uint8Array(1408)

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

type RecordCase = readonly [name: string, bytes: Uint8Array, read: (bytes: Uint8Array) => unknown]

const XATTRS = encodeXattrs([{ name: Buffer.from('user.a'), value: Buffer.from('bcd') }])
const TOC_ENTRY = { compressor: 'zstd', digest: DIGEST, compressedOffset: 1, compressedSize: 2 } as const
const DEVICE = { blobId: 'a'.repeat(64), blocks: 3, mappedBlockAddr: 4 }
const ENCRYPTED = { ...madeBlob(0, 4096), cipher: 1, ivHead: new Uint8Array(8), metaBlobDigest: DIGEST }

const RECORDS: readonly RecordCase[] = [
  ['superblocks', output('tiny-tar-v6', 'bootstrap').slice(0, 4096), (bytes) => decodeSuperBlock(bytes)],
  ['blob table', encodeBlobTable([ENCRYPTED]), (bytes) => decodeBlobTable(bytes, 0, 1, 4096).map(blobCipher)],
  [
    'device slot',
    joined(BEFORE_DEVICES, encodeDeviceSlots([DEVICE])),
    (bytes) => decodeDeviceSlots(bytes, 1),
  ],
  [
    'prefetch table',
    joined(DIGEST, encodePrefetchTable([5, 6])),
    (bytes) => decodePrefetchTable(bytes, 32, 8),
  ],
  ['chunk record', encodeChunkInfo(CHUNK), (bytes) => decodeChunkInfo(bytes)],
  ['chunk table', joined(DIGEST, encodeChunkInfo(CHUNK)), (bytes) => [...openChunkTable(bytes, 32, 80)]],
  ['chunk meta 1', encodeChunkMeta(1, [META]), (bytes) => decodeChunkMeta(1, bytes, 0)],
  ['chunk meta 2', encodeChunkMeta(2, [META]), (bytes) => decodeChunkMeta(2, bytes, 0)],
  ['zran context', encodeZranContexts([ZRAN]), (bytes) => decodeZranContext(bytes, 0)],
  [
    'batch context',
    encodeBatchContexts([{ compressedSize: 1, uncompressedSize: 2 }]),
    (bytes) => decodeBatchContext(bytes, 0),
  ],
  ['meta header', encodeBlobMetaHeader({ chunkCount: 1 }), (bytes) => decodeBlobMetaHeader(bytes)],
  ['tar trailer', encodeTarTrailer('image.boot', 5), (bytes) => decodeTarTrailer(bytes)],
  [
    'ToC',
    encodeToc([{ ...TOC_ENTRY, name: 'image.boot', uncompressedSize: 3 }]),
    (bytes) => decodeToc(bytes),
  ],
  ['xattrs', XATTRS, (bytes) => decodeXattrs(bytes)],
]
/** Lengths at which a cut leaves something whole: a ToC without entries, xattrs without any. */
const WHOLE: Readonly<Record<string, readonly number[]>> = { ToC: [0], xattrs: [0, 12] }
/** Most of a superblock's block is padding. */
const USED: Readonly<Record<string, number>> = { superblocks: 1408 }

const { stackTraceLimit } = Error
beforeAll(() => {
  Error.stackTraceLimit = 0
})
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit
})

/** True for a value, false for a format error; anything else fails the test. */
function answers(read: () => unknown, what: string): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (isNydusError(error) && error.code.startsWith('ERR_FORMAT_')) return false
    throw new Error(`${what}: ${error}`, { cause: error })
  }
}

function flipEachBit(bytes: Uint8Array, read: () => unknown, from = 0, to = bytes.length): number {
  let refused = 0
  for (let at = from; at < to; at++) {
    for (let bit = 0; bit < 8; bit++) {
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      if (!answers(read, `bit ${bit} of byte ${at}`)) refused++
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
    }
  }
  return refused
}

describe('a damaged record', () => {
  it.each(RECORDS)('%s', (name, bytes, read) => {
    expect(answers(() => read(bytes), name)).toBe(true)
    for (let length = 0; length < (USED[name] ?? bytes.length); length++) {
      const whole = WHOLE[name]?.includes(length) === true
      const found = answers(() => read(bytes.subarray(0, length)), `${name} of ${length} bytes`)
      expect({ length, read: found }).toEqual({ length, read: whole })
    }
    const copy = new Uint8Array(bytes)
    flipEachBit(copy, () => read(copy))
    expect(copy).toEqual(bytes)
  })
})

/** Blob meta files that the original's daemon left in its cache. */
const META_FILES = [
  [
    'cache/v6-batch/c3777c7759f0de37fcfcf02371651c2a87c00e474be75e5146870f481b616c2d',
    'mixed-v6-batch-0x100000',
  ],
  [
    'cache/v6-all/6f17833372dd73c2f105128e6715f747842408e9a1e798cc78e1140e61a88cb2',
    'mixed-tar-v6-zstd-blake3',
  ],
  ['cache/v6-zran/e69cb87090218c7b6678e154e8e085e4cb91a1343c4b47f4120468ad8f6a4eee', 'mixed-zran-l6'],
] as const

describe.each(META_FILES)('the damaged blob meta %s', (path, id) => {
  const bytes = load({ path: `${path}.blob.meta.gz`, encoding: 'gzip', sha256: '', size: 0 })
  const blob = openBootstrap(output(id, 'bootstrap')).blobs[0] ?? madeBlob(0, 4096)
  const { header } = parseBlobMetaFile(bytes)
  const records = Math.min(header.metaUncompressedSize, header.contextOffset + header.contextCount * 40)
  function readAll(file: Uint8Array): void {
    const { meta } = parseBlobMetaFile(file)
    validateBlobMeta(meta, blob)
    for (let i = 0; i < meta.chunkCount; i++) meta.chunk(i)
    for (let i = 0; i < meta.contextCount; i++) {
      if (header.features & 0x8) meta.zranDictionary(meta.zranContext(i))
      else meta.batchContext(i)
    }
    for (const offset of [0, 5000, 2 ** 43]) meta.find(offset)
  }

  it('is sound before', () => {
    expect(validateBlobMeta(parseBlobMetaFile(bytes).meta, blob)).toEqual([])
    expect(openBlobMeta(bytes, { features: header.features, chunkCount: 1 }).chunkCount).toBe(1)
  })
  it('with any bit of its records, contexts and header flipped', () => {
    const copy = new Uint8Array(bytes)
    flipEachBit(copy, () => readAll(copy), 0, records || header.metaUncompressedSize)
    const headerAt = bytes.length - 4096
    expect(flipEachBit(copy, () => readAll(copy), headerAt, headerAt + 64)).toBeGreaterThan(100)
  })
  it('cut at any byte', () => {
    for (let length = 0; length < bytes.length; length += length < 9000 ? 1 : 97)
      expect({ length, read: answers(() => readAll(bytes.subarray(0, length)), 'cut') }).toEqual({
        length,
        read: false,
      })
  })
})
