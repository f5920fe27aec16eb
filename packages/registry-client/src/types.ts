// SPDX-License-Identifier: Apache-2.0
/** OCI image documents, as far as Nydus reads and writes them. Unknown members are kept by `parseDocument`. */
import type { Digest } from '@nydus/base/digest'

/** String annotations. */
export type Annotations = Readonly<Record<string, string>>

/** Where an image runs. https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md */
export interface Platform {
  readonly os: string
  readonly architecture: string
  /** CPU variant, e.g. `v7`. */
  readonly variant?: string
  readonly 'os.version'?: string
  readonly 'os.features'?: readonly string[]
}

/** What identifies content: the digest, and its size in bytes. */
export interface ContentIdentity {
  readonly digest: Digest
  readonly size: number
}

/** A typed pointer to content. https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md */
export interface Descriptor extends ContentIdentity {
  readonly mediaType: string
  readonly artifactType?: string
  readonly annotations?: Annotations
  readonly platform?: Platform
  readonly urls?: readonly string[]
}

/** An image manifest, OCI or docker schema 2. https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md */
export interface Manifest {
  readonly schemaVersion: 2
  readonly mediaType?: string
  readonly artifactType?: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: Annotations
}

/** An image index, or docker manifest list. https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md */
export interface Index {
  readonly schemaVersion: 2
  readonly mediaType?: string
  readonly artifactType?: string
  readonly manifests: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: Annotations
}

/** One line of an image's history. */
export interface HistoryEntry {
  readonly created?: string
  readonly created_by?: string
  readonly author?: string
  readonly comment?: string
  readonly empty_layer?: boolean
}

/** An image config. https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md */
export interface ImageConfig extends Platform {
  readonly created?: string
  readonly author?: string
  readonly config?: Readonly<Record<string, unknown>>
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] }
  readonly history?: readonly HistoryEntry[]
}

/** Tells an index from a manifest. */
export function isIndex(document: Manifest | Index): document is Index {
  return 'manifests' in document
}
