// SPDX-License-Identifier: Apache-2.0
/** Images that the original tools made: bootstraps, blobs, and what the original showed when it mounted them. */
import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const ROOT = new URL('../../../../fixtures/', import.meta.url)

interface Stored {
  readonly path: string
  readonly encoding: 'identity' | 'gzip'
  readonly sha256: string
}

/** An entry of the manifest, as far as mounting needs it. */
export interface Fixture {
  readonly id: string
  readonly kind: string
  readonly blob_ids?: readonly string[]
  readonly outputs?: { readonly bootstrap?: Stored; readonly blob?: Stored }
  readonly expected?: { readonly fuse?: Stored }
}

const { fixtures } = JSON.parse(readFileSync(new URL('manifest.json', ROOT), 'utf8')) as {
  readonly fixtures: readonly Fixture[]
}
const blobsById = indexBlobs()

function indexBlobs(): ReadonlyMap<string, Stored> {
  const index = new Map<string, Stored>()
  for (const { outputs, blob_ids: ids } of fixtures) {
    if (outputs?.blob === undefined) continue
    index.set(outputs.blob.sha256, outputs.blob)
    if (ids?.length === 1 && ids[0] !== undefined && !index.has(ids[0])) index.set(ids[0], outputs.blob)
  }
  return index
}

function read({ path, encoding }: Stored): Buffer {
  const bytes = readFileSync(new URL(path, ROOT))
  return encoding === 'gzip' ? gunzipSync(bytes) : bytes
}

/** Other formats, chunks that need more than a codec, and `own-chain2`: the original wrote its chunks to a wrong blob. */
const UNUSABLE = /v5|batch|encrypt|ref|zran|own-chain2/

/** RAFS v6 images with a recorded mount whose chunks need nothing but a codec. */
export function mountableFixtures(): readonly Fixture[] {
  return fixtures.filter(({ id, kind, outputs, expected, blob_ids: ids }) => {
    const isPlain = ['create', 'create-quirk', 'merge'].includes(kind) && !UNUSABLE.test(id)
    const stored = [outputs?.bootstrap, expected?.fuse].every(
      (one) => one !== undefined && existsSync(new URL(one.path, ROOT)),
    )
    return isPlain && stored && (ids ?? []).every((blobId) => blobsById.has(blobId))
  })
}

/** Instead of a fixture: bytes that are no bootstrap. */
export const NO_BOOTSTRAP = 'no-bootstrap'

/** The bootstrap of a fixture. */
export function fixtureBootstrap(id: string): Uint8Array {
  if (id === NO_BOOTSTRAP) return new Uint8Array(8192)
  const stored = fixtures.find((fixture) => fixture.id === id)?.outputs?.bootstrap
  if (stored === undefined) throw new Error(`no bootstrap in fixture ${id}`)
  return read(stored)
}

/** A blob as it is in a registry. */
export function fixtureBlob(blobId: string): Uint8Array {
  const stored = blobsById.get(blobId)
  if (stored === undefined) throw new Error(`no fixture has blob ${blobId}`)
  return read(stored)
}

/** Lines of the listing that the original's mount gave. */
export function fixtureListing(fixture: Fixture): readonly Record<string, unknown>[] {
  if (fixture.expected?.fuse === undefined) throw new Error(`no listing in fixture ${fixture.id}`)
  const lines = read(fixture.expected.fuse).toString().trim().split('\n')
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}
