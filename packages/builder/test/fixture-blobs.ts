// SPDX-License-Identifier: Apache-2.0
/** Blobs of the golden fixtures by the id that bootstraps call them by. */
import { BLOB_FEATURES, type BlobInfo, type Bootstrap, hasBlobFeatures } from '@nydus/rafs-format'
import { type BlobFiles, blobChunkReader, type CountingReader } from './blob-chunk-reader.ts'
import { type Fixture, manifest, readStored, type Stored } from './fixture-store.ts'

interface Form extends Stored {
  readonly tree: string
  readonly variant: string
}
export type InlineFixture = Fixture & { readonly inline_bootstrap?: Stored }

const forms = (manifest as unknown as { readonly compressed_forms: readonly Form[] }).compressed_forms
/** Where a blob is. Tars and tar.gz files are blobs themselves (tarfs, zran). */
const stored = new Map<string, Stored>()
for (const { tar } of manifest.trees) stored.set(tar.sha256, tar)
for (const form of forms) stored.set(form.sha256, form)
for (const { outputs, blob_ids = [] } of manifest.fixtures) {
  const { blob } = outputs ?? {}
  if (blob?.path === undefined) continue
  // A blob with a table of contents is not called by its digest.
  const ids = blob_ids.length === 1 ? [...blob_ids, blob.sha256] : [blob.sha256]
  for (const id of ids) if (!stored.has(id)) stored.set(id, blob)
}

/** The bootstrap of a `create` fixture, also the one inside its blob. */
export function bootstrapOf(fixture: InlineFixture): Uint8Array | undefined {
  const found = fixture.inline_bootstrap ?? fixture.outputs?.bootstrap
  return found?.path === undefined ? undefined : readStored(found)
}

/** Tells whether the fixtures have everything that `bootstrap` refers to. */
export function hasBlobs(fixture: Fixture, bootstrap: Bootstrap): boolean {
  return bootstrap.blobs.every((blob) => findBlob(fixture, blob.blobId) !== undefined)
}

/** Reads the blobs of a fixture's bootstrap. */
export function fixtureReader(fixture: Fixture, bootstrap: Bootstrap): CountingReader {
  const files = new Map<string, BlobFiles>()
  return blobChunkReader(bootstrap, (blob) => {
    const { blobId } = blob
    const known = files.get(blobId) ?? readFiles(fixture, blob)
    files.set(blobId, known)
    return known
  })
}

function readFiles(fixture: Fixture, blob: BlobInfo): BlobFiles {
  const data = findBlob(fixture, blob.blobId)
  if (data === undefined) throw new Error(`${fixture.id}: no blob ${blob.blobId}`)
  const meta = hasBlobFeatures(blob, BLOB_FEATURES.SEPARATE) ? fixture.outputs?.blob : undefined
  return { data: readStored(data), ...(meta === undefined ? {} : { meta: readStored(meta) }) }
}

/** A layer's own blob is called `xxx…` in the bootstrap inside it. */
function findBlob(fixture: Fixture, blobId: string): Stored | undefined {
  if (!/^x{64}$/.test(blobId)) return stored.get(blobId)
  const { blob } = fixture.outputs ?? {}
  return blob?.path === undefined ? undefined : blob
}
