// SPDX-License-Identifier: Apache-2.0
/** Content by digest: small things in memory, large ones in files of a temporary directory. */
import { createHash, hash } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Bytes that are held in memory or lie in a file, and their digest. */
export interface Content {
  readonly digest: string
  readonly size: number
  /** Bytes `start` to `end` (exclusive), in pieces of at most 256 KiB. */
  read(start: number, end: number): Iterable<Uint8Array>
  /** Flips the lowest bit of the byte at `offset` without changing the digest that the registry knows it by. */
  flipBit(offset: number): void
}

const PIECE_BYTES = 256 * 1024

/** Bytes held in memory. */
export function memoryContent(bytes: Uint8Array): Content {
  let held = bytes
  return {
    digest: `sha256:${hash('sha256', bytes, 'hex')}`,
    size: bytes.length,
    *read(start, end) {
      for (let at = start; at < end; at += PIECE_BYTES)
        yield held.subarray(at, Math.min(end, at + PIECE_BYTES))
    },
    flipBit(offset) {
      held = Uint8Array.from(held)
      held[offset] = (held[offset] ?? 0) ^ 1
    },
  }
}

/** A file that stays where it is and must not change while it is served. */
export async function fileContent(path: string): Promise<Content> {
  const sha256 = createHash('sha256')
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) sha256.update(piece as Buffer)
  return knownFileContent(path, `sha256:${sha256.digest('hex')}`)
}

function knownFileContent(path: string, digest: string): Content {
  return {
    digest,
    size: statSync(path).size,
    *read(start, end) {
      const file = openSync(path, 'r')
      try {
        for (let at = start; at < end; ) {
          const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end - at))
          const length = readSync(file, piece, 0, piece.length, at)
          if (length === 0) throw new Error(`${path} ended at ${at}, expected ${end} bytes`)
          at += length
          yield piece.subarray(0, length)
        }
      } finally {
        closeSync(file)
      }
    },
    flipBit(offset) {
      const file = openSync(path, 'r+')
      const byte = Buffer.alloc(1)
      readSync(file, byte, 0, 1, offset)
      byte[0] = (byte[0] ?? 0) ^ 1
      writeSync(file, byte, 0, 1, offset)
      closeSync(file)
    },
  }
}

/** A growing upload: bytes so far, hashed as they come. */
export interface Upload {
  readonly size: number
  append(bytes: Uint8Array): void
  /** Ends the upload. */
  finish(): Content
  discard(): void
}

/** Where the bytes of one registry are. */
export interface Spool {
  startUpload(): Upload
  /** Removes every file. */
  close(): void
}

/** Makes a spool; uploads beyond `memoryBytes` move to a file. */
export function createSpool(memoryBytes: number): Spool {
  let directory: string | undefined
  let count = 0
  const newFile = () => {
    directory ??= mkdtempSync(join(tmpdir(), 'nydus-registry-'))
    return join(directory, String(count++))
  }
  return {
    startUpload: () => startUpload(memoryBytes, newFile),
    close() {
      if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
    },
  }
}

function startUpload(memoryBytes: number, newFile: () => string): Upload {
  const sha256 = createHash('sha256')
  let pieces: Uint8Array[] = []
  let size = 0
  let file: { path: string; fd: number } | undefined
  const spill = () => {
    const path = newFile()
    writeFileSync(path, Buffer.concat(pieces))
    pieces = []
    file = { path, fd: openSync(path, 'a') }
  }
  const close = () => {
    if (file !== undefined) closeSync(file.fd)
  }
  return {
    get size() {
      return size
    },
    append(bytes) {
      sha256.update(bytes)
      size += bytes.length
      if (file === undefined) pieces.push(bytes)
      else for (let at = 0; at < bytes.length; ) at += writeSync(file.fd, bytes, at)
      if (file === undefined && size > memoryBytes) spill()
    },
    finish() {
      close()
      const digest = `sha256:${sha256.digest('hex')}`
      return file === undefined ? memoryContent(Buffer.concat(pieces)) : knownFileContent(file.path, digest)
    },
    discard() {
      close()
      if (file !== undefined) rmSync(file.path, { force: true })
      pieces = []
    },
  }
}
