// SPDX-License-Identifier: Apache-2.0
/** Bootstraps and blobs that the original built, by the ids that bootstraps have for them. */
import { type GoldenFixture, openGoldens, type Stored } from '@nydus/testkit'

/** All fixtures. */
export const goldens = openGoldens()

const blobs = new Map<string, Stored>()
for (const { outputs, blob_ids: ids } of goldens.fixtures) {
  const stored = outputs?.blob
  if (goldens.has(stored) && ids?.[0] !== undefined) blobs.set(ids[0], stored)
}
for (const { outputs } of goldens.fixtures) {
  const stored = outputs?.blob
  if (goldens.has(stored)) blobs.set(stored.sha256, stored)
}
for (const { tar } of goldens.trees) blobs.set(tar.sha256, tar)

/** The blob with this id: of a build, or the tar that a tarfs image shows. @throws when it is not among the fixtures. */
export function goldenBlob(blobId: string): Stored {
  const stored = blobs.get(blobId)
  if (stored === undefined) throw new Error(`no blob ${blobId} among the fixtures`)
  return stored
}

/** One recorded cache directory of the original. */
export interface GoldenCache extends GoldenFixture {
  readonly outputs: Readonly<Record<string, Stored>>
  /** `mounted`, or `did not mount`. */
  readonly state: string
  /** Id of the fixture with the bootstrap. */
  readonly bootstrap_of: string
  /** The daemon's configuration, with relative paths. */
  readonly config: {
    readonly device: {
      readonly backend: object
      readonly cache: { readonly config: Readonly<Record<string, unknown>> }
    }
  }
  readonly read: readonly {
    readonly path: string
    readonly sha256: string
    readonly offset?: number
    readonly length?: number
  }[]
}

/** All recorded cache directories. */
export function goldenCaches(): readonly GoldenCache[] {
  return goldens.ofKind('cache') as unknown as readonly GoldenCache[]
}
