// SPDX-License-Identifier: Apache-2.0
/**
 * Manifests and indexes of converted images, in the member order of Go's OCI types. Manifests are written with two
 * spaces of indentation and indexes compactly, as the original does.
 * Spec: https://github.com/opencontainers/image-spec/blob/main/manifest.md
 */
import type { Digest } from '@nydus/base/digest'
import {
  ANNOTATION_BUILDER_VERSION,
  ANNOTATION_FS_VERSION,
  ANNOTATION_NYDUS_BLOB,
  ANNOTATION_NYDUS_BOOTSTRAP,
  ANNOTATION_SOURCE_DIGEST,
  ANNOTATION_SOURCE_REFERENCE,
  MEDIA_TYPE_NYDUS_BLOB,
} from '@nydus/rafs-format'
import type { Descriptor, Index, Manifest } from '@nydus/registry-client'
import { encodeGoJson, sortedMap } from './go-json.ts'
import { MEDIA_TYPES, type MediaTypeFamily } from './media-type-family.ts'

/** Digest and size of something that was built. */
export interface Sized {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
}

/** What goes into the manifest of one converted platform. */
export interface ManifestParts {
  readonly family: MediaTypeFamily
  readonly config: Sized
  /** Nydus blobs in the order of the source's layers. */
  readonly blobs: readonly Sized[]
  readonly bootstrap: Sized
  /** Annotations of the source manifest; those of the conversion win. */
  readonly sourceAnnotations: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** The source manifest's descriptor, when referrers are wanted. */
  readonly subject?: Descriptor
}

/** Where a converted image says it comes from. */
export interface Provenance {
  /** Digest of the source manifest, or of the index that a single image was taken from. */
  readonly sourceDigest: Digest
  readonly sourceReference: string
  readonly builderVersion: string
}

/** Manifest annotations of a conversion to RAFS v6. */
export function provenanceAnnotations(provenance: Provenance): Record<string, string> {
  return {
    [ANNOTATION_BUILDER_VERSION]: provenance.builderVersion,
    [ANNOTATION_FS_VERSION]: '6',
    [ANNOTATION_SOURCE_DIGEST]: provenance.sourceDigest,
    [ANNOTATION_SOURCE_REFERENCE]: provenance.sourceReference,
  }
}

/** The manifest of one converted platform, as JSON bytes. */
export function buildManifest(parts: ManifestParts): Uint8Array {
  const types = MEDIA_TYPES[parts.family]
  const layers = [
    ...parts.blobs.map((blob) => ({
      mediaType: MEDIA_TYPE_NYDUS_BLOB,
      digest: blob.digest,
      size: blob.size,
      annotations: { [ANNOTATION_NYDUS_BLOB]: 'true' },
    })),
    {
      mediaType: types.layerGzip,
      digest: parts.bootstrap.digest,
      size: parts.bootstrap.size,
      annotations: { [ANNOTATION_NYDUS_BOOTSTRAP]: 'true', [ANNOTATION_FS_VERSION]: '6' },
    },
  ]
  return encodeManifest({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: { mediaType: types.config, digest: parts.config.digest, size: parts.config.size },
    layers,
    ...(parts.subject === undefined ? {} : { subject: parts.subject }),
    annotations: { ...parts.sourceAnnotations, ...parts.annotations },
  })
}

/** A manifest as JSON bytes: known members only, in their order, annotations sorted. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { schemaVersion, mediaType, artifactType, config, layers, subject, annotations } = manifest
  return encodeGoJson(
    {
      schemaVersion,
      mediaType,
      artifactType,
      config: orderDescriptor(config),
      layers: layers.map(orderDescriptor),
      subject: subject === undefined ? undefined : orderDescriptor(subject),
      annotations: annotations === undefined ? undefined : sortedMap(annotations),
    },
    'indented',
  )
}

/** An index of converted platforms as JSON bytes. */
export function buildIndex(source: Index, mediaType: string, manifests: readonly Descriptor[]): Uint8Array {
  return encodeGoJson(
    {
      schemaVersion: 2,
      mediaType,
      manifests: manifests.map(orderDescriptor),
      annotations: source.annotations === undefined ? undefined : sortedMap(source.annotations),
    },
    'compact',
  )
}

/** A descriptor with its members in the order of Go's `ocispec.Descriptor`. */
function orderDescriptor(descriptor: Descriptor): Record<string, unknown> {
  const { mediaType, digest, size, urls, annotations, platform, artifactType } = descriptor
  return {
    mediaType,
    digest,
    size,
    urls,
    annotations: annotations === undefined ? undefined : sortedMap(annotations),
    platform: platform === undefined ? undefined : orderPlatform(platform),
    artifactType,
  }
}

function orderPlatform(platform: NonNullable<Descriptor['platform']>): Record<string, unknown> {
  return {
    architecture: platform.architecture,
    os: platform.os,
    'os.version': platform['os.version'],
    'os.features': platform['os.features'],
    variant: platform.variant,
  }
}
