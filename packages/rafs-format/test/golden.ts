// SPDX-License-Identifier: Apache-2.0
/** Loads what the original tools wrote: fixtures/manifest.json and the files it names. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const ROOT = new URL('../../../fixtures/', import.meta.url)

/** A stored file of the fixtures. */
export interface StoredFile {
  readonly path?: string | null
  readonly encoding?: 'identity' | 'gzip'
  readonly sha256: string
  readonly size: number
  readonly media_type?: string
}

/** One entry of the manifest; only what these tests use. */
export interface Fixture {
  readonly id: string
  readonly kind: string
  readonly source?: string
  readonly outputs?: Readonly<Record<string, StoredFile>>
  readonly expected?: Readonly<Record<string, StoredFile>>
  readonly image?: ImageFixture
  readonly known_peer_behaviour?: string
}

/** A pushed image. */
export interface ImageFixture {
  readonly layers?: readonly StoredFile[]
  readonly manifests?: readonly ImageFixture[]
}

interface Manifest {
  readonly fixtures: readonly Fixture[]
  readonly trees: readonly { readonly name: string; readonly listing: StoredFile }[]
}

export const MANIFEST = JSON.parse(readFileSync(new URL('manifest.json', ROOT), 'utf8')) as Manifest

/** The decoded bytes of a stored file. */
export function load(file: StoredFile): Uint8Array {
  if (!file.path) throw new Error(`fixture ${file.sha256} is not stored`)
  const bytes = readFileSync(new URL(file.path, ROOT))
  return file.encoding === 'gzip' ? new Uint8Array(gunzipSync(bytes)) : new Uint8Array(bytes)
}

/** The fixture of an id. */
export function fixture(id: string): Fixture {
  const found = MANIFEST.fixtures.find((candidate) => candidate.id === id)
  if (!found) throw new Error(`no fixture ${id}`)
  return found
}

/** An output of a fixture, e.g. its `bootstrap` or `blob`. */
export function output(id: string, name: string): Uint8Array {
  const file = fixture(id).outputs?.[name]
  if (!file) throw new Error(`fixture ${id} has no ${name}`)
  return load(file)
}

const EROFS_MAGIC = [0xe2, 0xe1, 0xf5, 0xe0]

/** A v6 bootstrap of the fixtures. */
export interface GoldenBootstrap {
  readonly id: string
  readonly fixture: Fixture
  readonly bytes: Uint8Array
}

// What the original refuses too, or writes as a dictionary that is no tree.
const NOT_READABLE = new Set([
  'optimize-mixed-tar-v6-zstd-blake3',
  'optimize-mixed-tar-v6-none-blake3',
  'optimize-layers-merge-v6-layers',
])
const NO_TREE = new Set(['chunkdict-generate'])

/** All v6 bootstraps that the original's own check accepts; `trees` leaves out the generated chunk dictionary. */
export function v6Bootstraps(which: 'all' | 'trees' = 'trees'): readonly GoldenBootstrap[] {
  return MANIFEST.fixtures.flatMap((entry) => {
    const file = entry.outputs?.bootstrap
    if (!file?.path || NOT_READABLE.has(entry.id) || (which === 'trees' && NO_TREE.has(entry.id))) return []
    const bytes = load(file)
    const v6 = EROFS_MAGIC.every((byte, i) => bytes[1024 + i] === byte)
    return v6 ? [{ id: entry.id, fixture: entry, bytes }] : []
  })
}

const V5_MAGIC = [0x53, 0x46, 0x41, 0x52]

/** All v5 bootstraps that the original wrote, the `external` ones beside those of directories included. */
export function v5Bootstraps(): readonly (GoldenBootstrap & { readonly output: string })[] {
  return MANIFEST.fixtures.flatMap((entry) =>
    Object.entries(entry.outputs ?? {}).flatMap(([name, file]) => {
      if (!file?.path || !name.startsWith('bootstrap')) return []
      const bytes = load(file)
      const v5 = V5_MAGIC.every((byte, i) => bytes[i] === byte)
      return v5 ? [{ id: entry.id, output: name, fixture: entry, bytes }] : []
    }),
  )
}

/** One line of an expected listing. */
export type ListingLine = Readonly<Record<string, unknown>>

/** The lines of a listing, by path. */
export function listing(file: StoredFile): Map<string, ListingLine> {
  const lines = new TextDecoder().decode(load(file)).trim().split('\n')
  return new Map(
    lines.map((line) => {
      const { path, path_b64, ...rest } = JSON.parse(line) as Record<string, string>
      return [path ?? `base64:${path_b64}`, rest]
    }),
  )
}

/** Layers of all Nydus images of the fixtures that hold a bootstrap, each once. */
export function bootstrapLayers(): readonly { readonly id: string; readonly bytes: Uint8Array }[] {
  const layers = new Map<string, { id: string; file: StoredFile }>()
  for (const { id, image } of MANIFEST.fixtures) {
    for (const manifest of image ? [image, ...(image.manifests ?? [])] : []) {
      const { layers: all = [] } = manifest
      const nydus = all.some((layer) => layer.media_type?.includes('nydus.blob'))
      const last = all.at(-1)
      const known = last === undefined || layers.has(last.sha256)
      if (nydus && last?.path && !known && !last.media_type?.includes('nydus.blob'))
        layers.set(last.sha256, { id, file: last })
    }
  }
  return [...layers.values()].map(({ id, file }) => ({ id, bytes: load(file) }))
}
