// SPDX-License-Identifier: Apache-2.0
/** The golden fixtures at the repository's root, by id. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const ROOT = new URL('../../../fixtures/', import.meta.url)

/** A stored file: `path` is relative to the fixtures directory. */
export interface Stored {
  readonly path?: string
  readonly encoding?: 'identity' | 'gzip'
  readonly sha256: string
  readonly size: number
}

/** One recorded command. */
export interface Fixture {
  readonly id: string
  readonly kind: string
  readonly source?: string
  readonly command: readonly string[]
  readonly stdin?: string
  readonly exit: number
  readonly stderr?: string
  readonly known_peer_behaviour?: string
  readonly second_run_identical?: boolean | Readonly<Record<string, boolean>>
  readonly outputs?: Readonly<Record<string, Stored>>
  readonly sources?: readonly { readonly path: string; readonly sha256: string }[]
  readonly blob_ids?: readonly string[]
}

interface Manifest {
  readonly fixtures: readonly Fixture[]
  readonly layer_sets: readonly {
    readonly name: string
    readonly trees: readonly string[]
    readonly listing: Stored
  }[]
  readonly trees: readonly { readonly name: string; readonly tar: Stored; readonly listing?: Stored }[]
}

export const manifest = JSON.parse(readFileSync(new URL('manifest.json', ROOT), 'utf8')) as Manifest

/** The decoded bytes, checked against their recorded digest. */
export function readStored(stored: Stored): Uint8Array {
  if (stored.path === undefined) throw new Error(`not stored: ${stored.sha256}`)
  const raw = readFileSync(new URL(stored.path, ROOT))
  const bytes = new Uint8Array(stored.encoding === 'gzip' ? gunzipSync(raw) : raw)
  const digest = createHash('sha256').update(bytes).digest('hex')
  if (digest !== stored.sha256)
    throw new Error(`${stored.path} has sha256 ${digest}, recorded ${stored.sha256}`)
  return bytes
}

export function fixtureOf(id: string): Fixture {
  const fixture = manifest.fixtures.find((candidate) => candidate.id === id)
  if (fixture === undefined) throw new Error(`no fixture ${id}`)
  return fixture
}

/** The bytes of an output such as `bootstrap`. */
export function readOutput(fixture: Fixture, name: string): Uint8Array {
  const stored = fixture.outputs?.[name]
  if (stored === undefined) throw new Error(`${fixture.id} has no output ${name}`)
  return readStored(stored)
}

/** The source tar of a tree, e.g. `mixed` or `trees/mixed.tar`. */
export function readTree(source: string): Uint8Array {
  const name = source.replace(/^trees\//, '').replace(/\.tar$/, '')
  const tree = manifest.trees.find((candidate) => candidate.name === name)
  if (tree === undefined) throw new Error(`no tree ${name}`)
  return readStored(tree.tar)
}

/** Value of an option of the recorded command, e.g. `-v`. */
export function optionOf(fixture: Fixture, ...names: readonly string[]): string | undefined {
  const at = fixture.command.findIndex((argument) => names.includes(argument))
  return at === -1 ? undefined : fixture.command[at + 1]
}
