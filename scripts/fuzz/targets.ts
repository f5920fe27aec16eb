// SPDX-License-Identifier: Apache-2.0
/** What is fuzzed: everything of rafs-format that reads bytes from outside, with what must hold whatever the bytes are. */
import { isNydusError } from '@nydus/base/error'
import {
  BLOB_FEATURES,
  type Bootstrap,
  blobChunks,
  blobCipher,
  decodeToc,
  dumpBootstrap,
  FILE_TYPE,
  type Finding,
  fileExtents,
  locateBlobMeta,
  locateBlobSections,
  lookupEntry,
  openBootstrap,
  parseBlobMetaFile,
  parseTocFile,
  readChunkIndex,
  readDirectory,
  readFileChunks,
  readSymlink,
  readXattrs,
  S_IFMT,
  validateBlobMeta,
  validateBootstrap,
  walkTree,
} from '@nydus/rafs-format'
import { LimitExceeded, type Limits, measure } from './step-meter.ts'

/** One kind of input. */
export interface Target {
  readonly name: 'bootstrap' | 'blob-meta' | 'toc'
  /** Parts that are run and measured one by one. What they return tells outcomes apart, besides the errors they throw. */
  readonly parts: Readonly<Record<string, (bytes: Uint8Array) => string | undefined>>
}

/** How an input fared. */
export interface Outcome {
  /** What happened without its numbers: inputs with a new one are worth mutating again. */
  readonly signature: string
  /** A broken promise, if there is one. */
  readonly problem: string | undefined
  /** Of the dearest part, as a share of what it may cost: 1 is the limit. */
  readonly share: number
}

/**
 * What any part of a parser may cost: so many steps and bytes a byte of input, and a little for small inputs. Of millions of
 * damaged inputs none took half of it.
 */
export const LIMITS = { stepsPerByte: 8, bytesPerByte: 8, freeSteps: 4000, freeBytes: 1 << 16 } as const

export const TARGETS: readonly Target[] = [
  {
    name: 'bootstrap',
    parts: { validate, read: (bytes) => readTree(openBootstrap(bytes)), chunks: readChunks, dump },
  },
  { name: 'blob-meta', parts: { read: readBlobMeta, validate: checkBlobMeta } },
  { name: 'toc', parts: { file: readTocFile, entries: readToc, tail: readTail } },
]

/** Runs all parts of `target` on `bytes`. The meter must be installed. Never throws. */
export function runTarget(target: Target, bytes: Uint8Array): Outcome {
  const limits: Limits = {
    steps: LIMITS.freeSteps + LIMITS.stepsPerByte * bytes.length,
    allocated: LIMITS.freeBytes + LIMITS.bytesPerByte * bytes.length,
  }
  const signatures: string[] = []
  let share = 0
  for (const [name, part] of Object.entries(target.parts)) {
    let result: string | undefined
    const { error, cost } = measure(limits, () => {
      result = part(bytes)
    })
    share = Math.max(share, cost.steps / limits.steps, cost.allocated / limits.allocated)
    if (error === undefined) signatures.push(withoutNumbers(result ?? 'ok'))
    else if (isExpected(error)) signatures.push(`${error.code} ${withoutNumbers(error.message)}`)
    else return { signature: name, problem: `${name}: ${describe(error)}`, share }
  }
  return { signature: signatures.join('\n'), problem: undefined, share }
}

/** Anything else than a format error with its code is a bug, and so is a stack that overflows or a limit that is reached. */
function isExpected(error: unknown): error is Error & { readonly code: string } {
  return isNydusError(error) && error.name === 'FormatError' && error.code.startsWith('ERR_FORMAT_')
}

function describe(error: unknown): string {
  if (error instanceof LimitExceeded) return `${error.name}: ${error.message}`
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `\n  cause: ${error.cause.stack}` : ''
  return `${error.stack ?? error.message}${cause}`
}

function withoutNumbers(message: string): string {
  return message.replace(/0x[0-9a-f]+|\d+|"[^"]*"/g, '#')
}

/** Findings differ in more ways than are worth telling apart. */
const SIGNATURE_FINDINGS = 3

function kindsOf(findings: readonly Finding[]): string {
  const kinds = findings.map(({ code, message }) => withoutNumbers(`${code} ${message}`))
  return [...new Set(kinds)].slice(0, SIGNATURE_FINDINGS).join(', ')
}

/** The check never throws, and what it finds nothing wrong with can be read. */
function validate(bytes: Uint8Array): string {
  const findings = validateBootstrap(bytes)
  if (findings.some(({ severity }) => severity === 'error')) return kindsOf(findings)
  try {
    readTree(openBootstrap(bytes))
  } catch (cause) {
    throw new Error('validateBootstrap found nothing, but it cannot be read', { cause })
  }
  return kindsOf(findings)
}

const NAME = Uint8Array.of(0x6d)

function readTree(bootstrap: Bootstrap): undefined {
  for (const blob of bootstrap.blobs) {
    locateBlobMeta(blob)
    blobCipher(blob)
  }
  for (const { inode, repeated } of walkTree(bootstrap)) {
    if (repeated) continue
    readXattrs(bootstrap, inode.nid)
    const type = inode.mode & S_IFMT
    if (type === FILE_TYPE.SYMLINK) readSymlink(bootstrap, inode.nid)
    if (type === FILE_TYPE.DIRECTORY) {
      lookupEntry(bootstrap, inode.nid, NAME)
      readDirectory(bootstrap, inode.nid, 3).next()
    }
    if (type !== FILE_TYPE.REGULAR) continue
    readChunkIndex(bootstrap, inode.nid)
    fileExtents(bootstrap, inode.nid, 0, inode.size)
  }
}

function readChunks(bytes: Uint8Array): undefined {
  const bootstrap = openBootstrap(bytes)
  bootstrap.prefetchNids()
  const table = bootstrap.chunkTable()
  for (let i = 0; i < table.length; i++) table.at(i)
  table.find(0, 0)
  for (const { blobIndex } of bootstrap.blobs) {
    const chunks = blobChunks(bootstrap, blobIndex)
    chunks.findOffset(4096)
    chunks.find(blobIndex, 0)
  }
  for (const { inode, repeated } of walkTree(bootstrap)) {
    if (!repeated && (inode.mode & S_IFMT) === FILE_TYPE.REGULAR) readFileChunks(bootstrap, inode.nid)
  }
}

function dump(bytes: Uint8Array): undefined {
  for (const line of dumpBootstrap(openBootstrap(bytes)))
    if (CONTROL.test(line)) throw new Error(`a line of the dump has a control character: ${line}`)
}

const CONTROL = /\p{Cc}/u

function readBlobMeta(bytes: Uint8Array): undefined {
  const { header, meta } = parseBlobMetaFile(bytes)
  for (let i = 0; i < meta.contextCount; i++) {
    if ((header.features & BLOB_FEATURES.ZRAN) === 0) meta.batchContext(i)
    else meta.zranDictionary(meta.zranContext(i))
  }
  for (let i = 0; i < meta.chunkCount; i++) meta.chunk(i)
  for (const offset of [0, 5000, 2 ** 32, 2 ** 43]) meta.find(offset)
}

function checkBlobMeta(bytes: Uint8Array): string {
  const { header, meta } = parseBlobMetaFile(bytes)
  return kindsOf(validateBlobMeta(meta, { ...BLOB, ...header }))
}

const BLOB = {
  blobId: 'a'.repeat(64),
  blobIndex: 0,
  chunkSize: 0x10_0000,
  compressor: 'zstd',
  digester: 'blake3',
  compressedSize: 1 << 20,
  uncompressedSize: 1 << 24,
  tocSize: 0,
  tocDigest: new Uint8Array(32),
  metaCompressor: 'zstd',
  metaBlobDigest: new Uint8Array(32),
  metaBlobSize: 0,
  ivTail: new Uint8Array(8),
  cipher: 0,
} as const

function readTocFile(bytes: Uint8Array): undefined {
  parseTocFile(bytes)
}

function readToc(bytes: Uint8Array): undefined {
  decodeToc(bytes.subarray(0, bytes.length - (bytes.length % 128)))
}

function readTail(bytes: Uint8Array): undefined {
  locateBlobSections(bytes, bytes.length + 100_000)
}
