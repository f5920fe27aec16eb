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
  ANNOTATION_NYDUS_BLOB_IDS,
  ANNOTATION_NYDUS_BOOTSTRAP,
  ANNOTATION_NYDUS_ENCRYPTED_BLOB,
  ANNOTATION_NYDUS_REF,
  ANNOTATION_SOURCE_DIGEST,
  ANNOTATION_SOURCE_REFERENCE,
  ANNOTATION_TRACE_BUILDER_VERSION,
  ANNOTATION_TRACE_SOURCE_DIGEST,
  ANNOTATION_TRACE_SOURCE_REFERENCE,
  ANNOTATION_TRACE_VERSION,
  MEDIA_TYPE_NYDUS_BLOB,
  MEDIA_TYPE_NYDUS_CONFIG,
} from '@nydus/rafs-format'
import type { Descriptor, Index, Manifest } from '@nydus/registry-client'
import { encodeGoJson, sortedMap } from './go-json.ts'
import { ANNOTATION_LAYER_FORM } from './layer-form.ts'
import { MEDIA_TYPES, type MediaTypeFamily } from './media-type-family.ts'

/** Digest and size of something that was built. */
export interface Sized {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
}

/** A Nydus blob as the manifest lists it. */
export interface ListedBlob extends Sized {
  /** The source layer that has the data, when the blob only describes it. */
  readonly refersTo?: Digest | undefined
}

/** What goes into the manifest of one converted platform. */
export interface ManifestParts {
  readonly family: MediaTypeFamily
  readonly fsVersion: 5 | 6
  readonly config: Sized
  /** The manifest will stand in an index beside the source's: its config gets a media type of its own. */
  readonly isMerged: boolean
  /** Nydus blobs in the order of the source's layers, then those of a chunk dictionary. */
  readonly blobs: readonly ListedBlob[]
  readonly isEncrypted: boolean
  readonly bootstrap: Sized
  /** Ids for the annotation that builders before 2.0 wrote; undefined leaves it out. */
  readonly blobIds: readonly string[] | undefined
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
  readonly fsVersion: 5 | 6
  /** Say it in the words of nydusify before 2.0 too, and how layers were built; undefined for neither. */
  readonly layerForm: string | undefined
}

/** Manifest annotations of a conversion. */
export function provenanceAnnotations(provenance: Provenance): Record<string, string> {
  const { builderVersion, sourceDigest, sourceReference } = provenance
  return {
    [ANNOTATION_BUILDER_VERSION]: builderVersion,
    [ANNOTATION_FS_VERSION]: String(provenance.fsVersion),
    [ANNOTATION_SOURCE_DIGEST]: sourceDigest,
    [ANNOTATION_SOURCE_REFERENCE]: sourceReference,
    ...(provenance.layerForm !== undefined && {
      [ANNOTATION_LAYER_FORM]: provenance.layerForm,
      [ANNOTATION_TRACE_VERSION]: builderVersion,
      [ANNOTATION_TRACE_BUILDER_VERSION]: builderVersion,
      [ANNOTATION_TRACE_SOURCE_DIGEST]: sourceDigest,
      [ANNOTATION_TRACE_SOURCE_REFERENCE]: sourceReference,
    }),
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
      annotations: {
        [ANNOTATION_NYDUS_BLOB]: 'true',
        ...(parts.isEncrypted && { [ANNOTATION_NYDUS_ENCRYPTED_BLOB]: 'true' }),
        ...(blob.refersTo !== undefined && { [ANNOTATION_NYDUS_REF]: blob.refersTo }),
      },
    })),
    {
      mediaType: types.layerGzip,
      digest: parts.bootstrap.digest,
      size: parts.bootstrap.size,
      annotations: {
        [ANNOTATION_NYDUS_BOOTSTRAP]: 'true',
        [ANNOTATION_FS_VERSION]: String(parts.fsVersion),
        ...blobIdsAnnotation(parts.blobIds),
      },
    },
  ]
  const configType = parts.isMerged ? MEDIA_TYPE_NYDUS_CONFIG : types.config
  return encodeManifest({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: { mediaType: configType, digest: parts.config.digest, size: parts.config.size },
    layers,
    ...(parts.subject === undefined ? {} : { subject: parts.subject }),
    annotations: { ...parts.sourceAnnotations, ...parts.annotations },
  })
}

/** containerd passes layer annotations on as labels, and refuses a label that is longer than this with its name. */
const MAX_LABEL_BYTES = 4096

function blobIdsAnnotation(blobIds: readonly string[] | undefined): Record<string, string> {
  if (blobIds === undefined) return {}
  const text = JSON.stringify(blobIds)
  return ANNOTATION_NYDUS_BLOB_IDS.length + text.length > MAX_LABEL_BYTES
    ? {}
    : { [ANNOTATION_NYDUS_BLOB_IDS]: text }
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

/** The index of a merged image: the source's manifests and the new ones. It has no media type inside, as the original's. */
export function buildMergedIndex(manifests: readonly Descriptor[]): Uint8Array {
  return encodeGoJson({ schemaVersion: 2, manifests: manifests.map(orderDescriptor) }, 'indented')
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
