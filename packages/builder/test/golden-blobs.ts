// SPDX-License-Identifier: Apache-2.0
/** The blob files of the goldens by blob id. */
import { manifest, readStored, type Stored } from './fixture-store.ts'

const stored = new Map<string, Stored>()
for (const { outputs = {}, blob_ids = [] } of manifest.fixtures) {
  const ids = blob_ids.filter((id) => outputs.blob && outputs.blob.path !== undefined && id !== '')
  // The last one is the layer's own.
  const own = ids.at(-1)
  if (own !== undefined && outputs.blob && !stored.has(own)) stored.set(own, outputs.blob)
  for (const [name, output] of Object.entries(outputs)) {
    if (name.startsWith('blob:')) stored.set(name.slice('blob:'.length), output)
  }
}
const { compressed_forms: forms } = manifest as unknown as { readonly compressed_forms: readonly Stored[] }
for (const form of forms) stored.set(form.sha256, form)
// tarfs: the blob is the tar. Layers of images are named by their digest.
for (const { tar } of manifest.trees) stored.set(tar.sha256, tar)
for (const { outputs = {} } of manifest.fixtures) {
  if (outputs.blob?.path !== undefined) stored.set(outputs.blob.sha256, outputs.blob)
}

/** @throws when no golden has the blob. */
export function goldenBlob(blobId: string): Uint8Array {
  const found = stored.get(blobId)
  if (found === undefined) throw new Error(`no golden blob ${blobId}`)
  return readStored(found)
}
