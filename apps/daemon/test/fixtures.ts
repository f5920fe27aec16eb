// SPDX-License-Identifier: Apache-2.0
/** Images that the original built, with the listings that its own mounts gave. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { locateBlobMeta, openBootstrap } from '@nydus/rafs-format'

const FIXTURES = new URL('../../../fixtures/', import.meta.url)

interface Stored {
  readonly path: string
  readonly encoding: 'gzip' | 'identity'
  readonly sha256: string
  readonly size: number
}

export interface ImageFixture {
  readonly id: string
  readonly kind: string
  readonly outputs: Readonly<Record<string, Stored>>
  readonly blob_ids: readonly string[]
  readonly expected?: { readonly fuse?: Stored }
}

export interface CacheFixture extends ImageFixture {
  readonly bootstrap_of: string
  readonly state: string
  readonly read: readonly {
    readonly path: string
    readonly sha256: string
    readonly offset?: number
    readonly length?: number
  }[]
}

const manifest = JSON.parse(readFileSync(new URL('manifest.json', FIXTURES), 'utf8'))
const fixtures = manifest.fixtures as readonly ImageFixture[]

/**
 * Stored contents are shared between fixtures, so a blob is found by its digest wherever it lies: with what was built, or
 * among the tars and gzip files that images refer to.
 */
const blobsBySha256 = new Map(
  [
    ...fixtures.flatMap(({ outputs }) => (outputs?.blob === undefined ? [] : [outputs.blob])),
    ...(manifest.trees as readonly { tar: Stored }[]).map(({ tar }) => tar),
    ...(manifest.compressed_forms as readonly Stored[]),
  ].map((stored) => [stored.sha256, stored] as const),
)

export function fixture(id: string): ImageFixture {
  const found = fixtures.find((entry) => entry.id === id)
  if (found === undefined) throw new Error(`no fixture ${id}`)
  return found
}

export const cacheFixtures = fixtures.filter(
  ({ kind }) => kind === 'cache',
) as unknown as readonly CacheFixture[]

export function load(stored: Stored): Uint8Array {
  const bytes = readFileSync(new URL(stored.path, FIXTURES))
  return stored.encoding === 'gzip' ? gunzipSync(bytes) : bytes
}

/** A scratch directory with `mnt`, `blobs` and `cache`. */
export interface Scratch {
  readonly root: string
  path(...names: string[]): string
  remove(): void
}

export function scratch(): Scratch {
  const root = mkdtempSync(join(tmpdir(), 'nydusd-'))
  for (const name of ['mnt', 'blobs', 'cache']) mkdirSync(join(root, name))
  return {
    root,
    path: (...names) => join(root, ...names),
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

/** Puts bootstrap, blobs and a localfs configuration of fixture `id` into `directory`. */
export function unpackImage(
  id: string,
  directory: Scratch,
  blobBytes: (stored: Stored) => Uint8Array = load,
): void {
  const { outputs, blob_ids: blobIds } = fixture(id)
  const { bootstrap, blob } = outputs
  if (bootstrap === undefined) throw new Error(`${id} has no bootstrap`)
  writeFileSync(directory.path('image.boot'), load(bootstrap))
  const metaIds = openBootstrap(load(bootstrap)).blobs.map((blob) => locateBlobMeta(blob)?.blobId)
  for (const blobId of new Set([...blobIds, ...metaIds])) {
    if (blobId === undefined) continue
    const stored = blobsBySha256.get(blobId) ?? blob
    if (stored !== undefined) writeFileSync(directory.path('blobs', blobId), blobBytes(stored))
  }
  writeFileSync(directory.path('config.json'), JSON.stringify(localfsConfig(directory)))
}

export function localfsConfig(directory: Scratch): unknown {
  return {
    device: {
      id: '/',
      backend: { type: 'localfs', config: { dir: directory.path('blobs'), readahead: true } },
      cache: { type: 'blobcache', config: { work_dir: directory.path('cache') } },
    },
    mode: 'direct',
    digest_validate: false,
    iostats_files: false,
    enable_xattr: true,
    fs_prefetch: { enable: false, threads_count: 2, merging_size: 131072, prefetch_all: false },
    warmup: 0,
  }
}
