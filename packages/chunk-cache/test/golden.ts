// SPDX-License-Identifier: Apache-2.0
/** What the original left behind: bootstraps, blobs and cache directories. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { ByteRange } from '@nydus/base/binary'
import { type Bootstrap, fileExtents, lookupEntry, openBootstrap, readInode } from '@nydus/rafs-format'
import type { BlobCache } from '../src/blob-cache.ts'
import type { BlobSource } from '../src/blob-source.ts'

const FIXTURES = new URL('../../../fixtures/', import.meta.url)

export interface Stored {
  readonly path: string
  readonly encoding: 'gzip' | 'identity'
  readonly sha256: string
  readonly bitmap_hex?: string
  readonly header_hex?: string
}

export interface CacheFixture {
  readonly id: string
  readonly kind: 'cache'
  readonly state: string
  readonly bootstrap_of: string
  readonly read: readonly { path: string; sha256: string; offset?: number; length?: number }[]
  readonly outputs: Readonly<Record<string, Stored>>
}

interface CreateFixture {
  readonly id: string
  readonly kind: string
  readonly outputs: Readonly<Record<'blob' | 'bootstrap', Stored>>
  readonly blob_ids: readonly string[]
}

const fixtures = JSON.parse(readFileSync(new URL('manifest.json', FIXTURES), 'utf8')).fixtures as readonly {
  id: string
  kind: string
}[]

export const cacheFixtures = fixtures.filter((fixture): fixture is CacheFixture => fixture.kind === 'cache')

/** Images in RAFS v6 with the listing of the original's mount. */
export const imageFixtures = (fixtures as unknown as readonly ImageFixture[]).filter(
  ({ kind, outputs, expected }) =>
    (kind === 'create' || kind === 'merge') && isV6(outputs?.bootstrap) && expected?.fuse !== undefined,
)

interface ImageFixture extends CreateFixture {
  readonly expected: { readonly fuse: Stored }
}

function isV6(stored: Stored | undefined): boolean {
  if (stored?.path == null) return false
  const bytes = load(stored)
  return Buffer.from(bytes).readUInt32LE(1024) === 0xe0f5e1e2
}

/** sha256 of the regular files of a listing, by path as Latin-1 text. */
export function listing(stored: Stored): ReadonlyMap<string, string> {
  const lines = Buffer.from(load(stored)).toString('utf8').trim().split('\n')
  const entries = lines.map(
    (line) => JSON.parse(line) as { path?: string; path_b64?: string; sha256?: string },
  )
  return new Map(
    entries.flatMap(({ path = '', path_b64, sha256 }) => {
      const bytes = path_b64 === undefined ? Buffer.from(path) : Buffer.from(path_b64, 'base64')
      return sha256 === undefined ? [] : [[bytes.toString('latin1'), sha256] as const]
    }),
  )
}

export function cacheFixture(id: string): CacheFixture {
  const found = cacheFixtures.find((cache) => cache.id === id)
  if (found === undefined) throw new Error(`no fixture ${id}`)
  return found
}

export function fixture(id: string): CreateFixture {
  const found = fixtures.find((entry) => entry.id === id)
  if (found === undefined) throw new Error(`no fixture ${id}`)
  return found as unknown as CreateFixture
}

export function load(stored: Stored): Uint8Array {
  const bytes = readFileSync(new URL(stored.path, FIXTURES))
  return stored.encoding === 'gzip' ? gunzipSync(bytes) : bytes
}

export function bootstrapOf(id: string): Bootstrap {
  return openBootstrap(load(fixture(id).outputs.bootstrap))
}

export function blobOf(id: string): Uint8Array {
  return load(fixture(id).outputs.blob)
}

/** The blob with this id, whichever fixture made it. */
export function blobById(blobId: string): Uint8Array {
  for (const { outputs, blob_ids: blobIds } of fixtures as unknown as readonly CreateFixture[]) {
    const stored = outputs?.blob
    if (stored !== undefined && (stored.sha256 === blobId || blobIds?.[0] === blobId)) return load(stored)
  }
  throw new Error(`no blob ${blobId}`)
}

/** A directory that is removed when the test ends. */
export function scratch(onTestFinished: (clean: () => void) => void): string {
  const directory = mkdtempSync(join(tmpdir(), 'chunk-cache-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export function unpackCache(cache: CacheFixture, directory: string): void {
  mkdirSync(directory, { recursive: true })
  for (const [name, stored] of Object.entries(cache.outputs))
    writeFileSync(join(directory, name), load(stored))
}

/** A source that tells what it was asked for. */
export type Source = BlobSource & { readonly reads: readonly ByteRange[] }

/** Serves `bytes`. */
export function countingSource(blobId: string, bytes: Uint8Array): Source {
  const reads: ByteRange[] = []
  return {
    blobId,
    reads,
    async read(range) {
      reads.push(range)
      return bytes.slice(range.offset, range.offset + range.length)
    },
    size: async () => bytes.length,
  }
}

/** A source that must not be asked. */
export function forbiddenSource(blobId: string): Source {
  return {
    blobId,
    reads: [],
    read: async (range) => {
      throw new Error(`unexpected read of ${range.length} bytes at ${range.offset}`)
    },
  }
}

export async function readFileThrough(
  bootstrap: Bootstrap,
  open: (blobIndex: number) => Promise<BlobCache>,
  path: string,
  part: { offset?: number | undefined; length?: number | undefined } = {},
): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  const nid = resolve(bootstrap, path)
  const size = readInode(bootstrap, nid).size
  for (const extent of fileExtents(bootstrap, nid, part.offset ?? 0, part.length ?? size)) {
    const cache = await open(extent.blobIndex)
    pieces.push(await cache.read({ offset: extent.uncompressedOffset, length: extent.length }))
  }
  return Buffer.concat(pieces)
}

function resolve(bootstrap: Bootstrap, path: string): number {
  let nid = bootstrap.rootNid
  for (const name of path.split('/')) {
    const entry = lookupEntry(bootstrap, nid, new TextEncoder().encode(name))
    if (entry === undefined) throw new Error(`no ${path}`)
    nid = entry.nid
  }
  return nid
}
