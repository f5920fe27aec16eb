// SPDX-License-Identifier: Apache-2.0
/** Puts an image into a test registry without a request. */
import { hash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { DirectAccess, Put } from './direct-access.ts'

const OCI = 'application/vnd.oci.image'

/** A layer as a plain tar; `stored` replaces what is put for it, e.g. to damage it. */
export interface LayerSource {
  readonly tar: Uint8Array
  readonly stored?: Uint8Array
}

/** What was put. */
export interface PutImage {
  readonly manifest: Put
  readonly config: Put
  readonly layers: readonly Put[]
}

/** Gzips `tars` (lowest layer first) and tags the image `repository:tag`. */
export function putImage(
  registry: DirectAccess,
  repository: string,
  tag: string,
  tars: readonly (Uint8Array | LayerSource)[],
): PutImage {
  const sources = tars.map((tar) => (tar instanceof Uint8Array ? { tar } : tar))
  const layers = sources.map(({ tar, stored }) =>
    registry.putBlob(repository, stored ?? gzipSync(tar, { level: 1 })),
  )
  const config = registry.putBlob(
    repository,
    Buffer.from(
      JSON.stringify({
        created: '2026-01-01T00:00:00Z',
        architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
        os: 'linux',
        config: { Cmd: ['/bin/true'] },
        rootfs: {
          type: 'layers',
          diff_ids: sources.map(({ tar }) => `sha256:${hash('sha256', tar, 'hex')}`),
        },
        history: sources.map((_, index) => ({ created_by: `layer ${index}` })),
      }),
    ),
  )
  const manifest = registry.putManifest(
    repository,
    tag,
    {
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      config: { mediaType: `${OCI}.config.v1+json`, ...config },
      layers: layers.map((layer) => ({ mediaType: `${OCI}.layer.v1.tar+gzip`, ...layer })),
    },
    `${OCI}.manifest.v1+json`,
  )
  return { manifest, config, layers }
}
