// SPDX-License-Identifier: Apache-2.0
/** What the original left behind: bootstraps, blobs and cache directories. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { ByteRange } from '@nydus/base/binary'
import {
  type Bootstrap,
  blobChunks,
  fileExtents,
  locateBlobMeta,
  lookupEntry,
  openBootstrap,
  readInode,
} from '@nydus/rafs-format'
import {
  type BlobCache,
  type BlobCacheOptions,
  type BlobSource,
  chunkDigests,
  openBlobCache,
} from '../src/index.ts'

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
  readonly config: {
    readonly device: {
      readonly cache: {
        readonly compressed?: boolean
        readonly validate?: boolean
        readonly config: {
          readonly disable_indexed_map?: boolean
          readonly enable_encryption?: boolean
          readonly encryption_key?: string
        }
      }
    }
  }
  readonly read: readonly { path: string; sha256: string; offset?: number; length?: number }[]
  readonly outputs: Readonly<Record<string, Stored>>
}

interface CreateFixture {
  readonly id: string
  readonly kind: string
  readonly outputs: Readonly<Record<'blob' | 'bootstrap', Stored>>
  readonly blob_ids: readonly string[]
  readonly source?: string
  readonly expected?: { readonly fuse?: Stored; readonly unpack?: Stored }
}

const manifest = JSON.parse(readFileSync(new URL('manifest.json', FIXTURES), 'utf8'))
const fixtures = manifest.fixtures as readonly { id: string; kind: string }[]
const forms = manifest.compressed_forms as readonly (Stored & { tree: string })[]
const trees = manifest.trees as readonly { name: string; tar: Stored; listing?: Stored }[]

export const cacheFixtures = fixtures.filter((fixture): fixture is CacheFixture => fixture.kind === 'cache')

/** Images with a listing of their files, of any version and kind. */
export const imageFixtures: readonly ImageFixture[] = (
  fixtures as unknown as readonly CreateFixture[]
).flatMap((fixture) => {
  if (!(fixture.kind === 'create' || fixture.kind === 'merge') || fixture.outputs?.bootstrap?.path == null)
    return []
  const files = fixture.expected?.fuse ?? sourceListing(fixture.source) ?? fixture.expected?.unpack
  return files === undefined ? [] : [{ ...fixture, files }]
})

export interface ImageFixture extends CreateFixture {
  /** Listing of the original's mount, else of the source, else of the original's unpacking. */
  readonly files: Stored
}

function sourceListing(source: string | undefined): Stored | undefined {
  const tree = forms.find(({ path }) => path === source)?.tree
  return trees.find(({ name }) => name === tree || source === `trees/${name}.tar`)?.listing
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

/** The blob with this id: of a build, or the tar or gzip file that an image refers to. */
export function blobById(blobId: string): Uint8Array {
  const stored = blobFiles.get(blobId)
  if (stored === undefined) throw new Error(`no blob ${blobId}`)
  return load(stored)
}

/** Names of blobs: their digest, and where it differs, the id in the bootstrap. A digest counts more. */
const blobFiles = new Map<string, Stored>()
for (const { outputs, blob_ids: blobIds } of fixtures as unknown as readonly CreateFixture[]) {
  const stored = outputs?.blob
  if (stored?.path != null && blobIds?.[0] !== undefined) blobFiles.set(blobIds[0], stored)
}
for (const { outputs } of fixtures as unknown as readonly CreateFixture[]) {
  const stored = outputs?.blob
  if (stored?.path != null) blobFiles.set(stored.sha256, stored)
}
for (const { tar } of trees) blobFiles.set(tar.sha256, tar)
for (const form of forms) blobFiles.set(form.sha256, form)

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

/** Serves the blob with this id. */
export function sourceById(blobId: string): Source {
  return countingSource(blobId, blobById(blobId))
}

/** Opens the blobs of a bootstrap in one cache directory, each once. */
export function cachesOf(
  bootstrap: Bootstrap,
  workDir: string,
  sourceOf: (blobId: string) => BlobSource,
  options: Partial<BlobCacheOptions> = {},
): { open(blobIndex: number): Promise<BlobCache>; close(): Promise<void> } {
  const caches = new Map<number, BlobCache>()
  const digests = chunkDigests(bootstrap)
  return {
    async open(blobIndex) {
      const known = caches.get(blobIndex)
      if (known !== undefined) return known
      const blob = bootstrap.blobs[blobIndex]
      if (blob === undefined) throw new Error(`no blob ${blobIndex}`)
      const meta = locateBlobMeta(blob)
      const opened = await openBlobCache({
        ...{ blob, workDir, source: sourceOf(blob.blobId) },
        metaSource: meta?.separate && meta.blobId !== undefined ? sourceOf(meta.blobId) : undefined,
        chunkDigest: digests(blobIndex),
        records: () => blobChunks(bootstrap, blobIndex),
        ...options,
      })
      caches.set(blobIndex, opened)
      return opened
    },
    async close() {
      for (const cache of caches.values()) await cache.close()
    },
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
