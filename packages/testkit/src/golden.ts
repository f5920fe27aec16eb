// SPDX-License-Identifier: Apache-2.0
/** The goldens in `fixtures/`, written by the original tools: found by id or kind, decompressed and checked when read. */
import { hash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** A stored thing: `sha256` and `size` are of the decoded bytes. `path` is null for what is too big to be kept. */
export interface Stored {
  readonly path: string | null
  readonly encoding: 'identity' | 'gzip'
  readonly sha256: string
  readonly size: number
}

/** A source tree as a tar, with the listing that an independent reader made of it. */
export interface GoldenTree {
  readonly name: string
  readonly note: string
  readonly tar: Stored
  readonly listing?: Stored
}

/** Manifest, config and layers of one image. */
export interface GoldenImage {
  readonly media_type: string
  readonly digest: string
  readonly manifest: Stored
  readonly config?: Stored & { readonly media_type: string }
  readonly layers?: readonly (Stored & { readonly media_type: string })[]
  readonly manifests?: readonly GoldenImage[]
}

/** One recorded command. Members beyond these depend on `kind`: see `fixtures/README.md`. */
export interface GoldenFixture {
  readonly id: string
  readonly kind: string
  readonly command: readonly string[]
  readonly exit?: number
  readonly stdin?: string
  readonly stderr?: string
  /** What was converted, merged or read: a tree's path or another fixture's id. */
  readonly source?: string
  readonly outputs?: Readonly<Record<string, Stored>>
  readonly blob_ids?: readonly string[]
  readonly second_run_identical?: boolean | Readonly<Record<string, boolean>>
  readonly known_peer_behaviour?: string
  readonly image?: GoldenImage
  readonly [member: string]: unknown
}

/** A tree as a compressed tar: `variant` is the end of its file name. */
export interface GoldenForm extends Stored {
  readonly tree: string
  readonly variant: string
}

/** The index of all goldens. */
export interface Goldens {
  readonly trees: readonly GoldenTree[]
  readonly fixtures: readonly GoldenFixture[]
  readonly layerSets: readonly {
    readonly name: string
    readonly trees: readonly string[]
    readonly listing: Stored
  }[]
  readonly compressedForms: readonly GoldenForm[]
  /** @throws when there is no such fixture. */
  fixture(id: string): GoldenFixture
  ofKind(kind: string): readonly GoldenFixture[]
  /** @throws when there is no such tree. */
  tree(name: string): GoldenTree
  /** True when the bytes are in this repository: it keeps a part of the recorded set. */
  has(stored: Stored | undefined): stored is Stored
  /** The decoded bytes. @throws when they are missing or do not have the recorded digest. */
  read(stored: Stored): Uint8Array
  /** An output of a fixture. @throws when the fixture has no output of that name. */
  output(fixture: GoldenFixture, name: string): Uint8Array
  /** The plain tar of a tree. */
  tar(name: string): Uint8Array
  /** A listing, one object a path. */
  listing(stored: Stored): readonly Readonly<Record<string, unknown>>[]
}

const FIXTURES = join(import.meta.dirname, '../../../fixtures')

/** Opens `fixtures/manifest.json` below `directory`, this repository's own by default. */
export function openGoldens(directory: string = FIXTURES): Goldens {
  const index = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as {
    trees: GoldenTree[]
    fixtures: GoldenFixture[]
    layer_sets: Goldens['layerSets']
    compressed_forms: GoldenForm[]
  }
  const fixtures = new Map(index.fixtures.map((fixture) => [fixture.id, fixture]))
  const trees = new Map(index.trees.map((tree) => [tree.name, tree]))
  const read = (stored: Stored) => readStored(directory, stored)
  const goldens: Goldens = {
    trees: index.trees,
    fixtures: index.fixtures,
    layerSets: index.layer_sets,
    compressedForms: index.compressed_forms,
    fixture: (id) => required(fixtures.get(id), `fixture ${id}`),
    ofKind: (kind) => index.fixtures.filter((fixture) => fixture.kind === kind),
    tree: (name) => required(trees.get(name), `tree ${name}`),
    has: (stored): stored is Stored =>
      typeof stored?.path === 'string' && existsSync(join(directory, stored.path)),
    read,
    output: (fixture, name) => read(required(fixture.outputs?.[name], `output ${name} of ${fixture.id}`)),
    tar: (name) => read(goldens.tree(name).tar),
    listing: (stored) =>
      Buffer.from(read(stored))
        .toString()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>),
  }
  return goldens
}

function readStored(directory: string, stored: Stored): Uint8Array {
  if (stored.path === null) throw new Error(`golden ${stored.sha256} is too big to be kept`)
  const bytes = readFileSync(join(directory, stored.path))
  const decoded = stored.encoding === 'gzip' ? gunzipSync(bytes) : bytes
  const found = hash('sha256', decoded, 'hex')
  if (found !== stored.sha256)
    throw new Error(`golden ${stored.path} has sha256 ${found}, expected ${stored.sha256}`)
  return decoded
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`no golden ${what}`)
  return value
}
