// SPDX-License-Identifier: Apache-2.0
/** Inputs to start from: small files that the original tools wrote, and what fuzzing found worth keeping. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { blobMetaSites, bootstrapSites, type FieldSite, tocSites } from './field-sites.ts'
import type { Seed } from './mutate.ts'
import type { Target } from './targets.ts'

interface StoredFile {
  readonly path?: string | null
  readonly encoding?: string
}

const FIXTURES = join(import.meta.dirname, '../../fixtures')
const CORPUS = join(FIXTURES, 'fuzz')
/** Larger ones only make mutations rarer. */
const MAX_SEED_BYTES = 1 << 16
const MAX_TOC_BYTES = 4096
const TRAILER_BYTES = 512

/** Kept inputs of a target: they must stay harmless. */
export function corpusOf(target: Target['name']): readonly Seed[] {
  const directory = join(CORPUS, target)
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .sort()
    .map((name) => toSeed(target, name, readStored(join(directory, name))))
}

/** Keeps `bytes`, which broke a promise or are to be mutated from now on. @returns the path. */
export function addToCorpus(target: Target['name'], bytes: Uint8Array): string {
  const directory = join(CORPUS, target)
  mkdirSync(directory, { recursive: true })
  const path = join(directory, createHash('sha256').update(bytes).digest('hex').slice(0, 16))
  writeFileSync(path, bytes)
  return path
}

/** Sound inputs from the fixtures, each content once. */
export function seedsOf(target: Target['name']): readonly Seed[] {
  const seen = new Set<string>()
  return candidates(target).filter(({ bytes }) => {
    const digest = createHash('sha256').update(bytes).digest('hex')
    if (bytes.length > MAX_SEED_BYTES || seen.has(digest)) return false
    return seen.add(digest)
  })
}

function candidates(target: Target['name']): readonly Seed[] {
  const { fixtures } = JSON.parse(readFileSync(join(FIXTURES, 'manifest.json'), 'utf8')) as {
    readonly fixtures: readonly {
      readonly id: string
      readonly outputs?: Readonly<Record<string, StoredFile>>
    }[]
  }
  if (target === 'blob-meta') return blobMetaSeeds()
  return fixtures.flatMap(({ id, outputs = {} }) => {
    const { bootstrap, blob } = outputs
    if (target === 'bootstrap') return bootstrap?.path ? [toSeed(target, id, load(bootstrap))] : []
    const tail = blob?.path ? tocTail(load(blob)) : undefined
    return tail === undefined ? [] : [toSeed(target, id, tail)]
  })
}

function blobMetaSeeds(): readonly Seed[] {
  return readdirSync(join(FIXTURES, 'cache'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.blob\.meta(\.gz)?$/.test(path))
    .sort()
    .map((path) => toSeed('blob-meta', path, readStored(join(FIXTURES, 'cache', path))))
}

/** The ToC with its trailer at the end of a layer blob. */
function tocTail(blob: Uint8Array): Uint8Array | undefined {
  const trailer = Buffer.from(blob.subarray(-TRAILER_BYTES)).toString('latin1')
  if (!trailer.startsWith('rafs.blob.toc\0')) return undefined
  const size = Number.parseInt(trailer.slice(124, 135), 8) + TRAILER_BYTES
  return size <= MAX_TOC_BYTES ? blob.slice(-size) : undefined
}

function toSeed(target: Target['name'], name: string, bytes: Uint8Array): Seed {
  return { name, bytes, sites: sitesOf(target, bytes) }
}

/** A damaged input has no fields that could be trusted. */
function sitesOf(target: Target['name'], bytes: Uint8Array): readonly FieldSite[] {
  try {
    if (target === 'bootstrap') return bootstrapSites(bytes)
    return target === 'toc' ? tocSites(bytes.length) : blobMetaSites(bytes)
  } catch {
    return []
  }
}

function load(file: StoredFile): Uint8Array {
  const bytes = readFileSync(join(FIXTURES, file.path ?? ''))
  return new Uint8Array(file.encoding === 'gzip' ? gunzipSync(bytes) : bytes)
}

function readStored(path: string): Uint8Array {
  const bytes = readFileSync(path)
  return new Uint8Array(path.endsWith('.gz') ? gunzipSync(bytes) : bytes)
}
