// SPDX-License-Identifier: Apache-2.0
/** Media types, layer annotations and member paths of Nydus images in OCI registries. */

/** Media type of a layer that is a Nydus blob. */
export const MEDIA_TYPE_NYDUS_BLOB = 'application/vnd.oci.image.layer.nydus.blob.v1'
/** `artifactType` of a Nydus manifest's descriptor inside an index. */
export const ARTIFACT_TYPE_NYDUS_MANIFEST = 'application/vnd.nydus.image.manifest.v1+json'
/** Media type of the config that goes with `ARTIFACT_TYPE_NYDUS_MANIFEST`. */
export const MEDIA_TYPE_NYDUS_CONFIG = 'application/vnd.nydus.image.config.v1+json'
/** Entry of `platform["os.features"]` that marked Nydus manifests before 2.3.5. */
export const OS_FEATURE_NYDUS = 'nydus.remoteimage.v1'

/** `"true"` on layers that are Nydus blobs. */
export const ANNOTATION_NYDUS_BLOB = 'containerd.io/snapshot/nydus-blob'
/** `"true"` on encrypted Nydus blobs. */
export const ANNOTATION_NYDUS_ENCRYPTED_BLOB = 'containerd.io/snapshot/nydus-encrypted-blob'
/** `"true"` on the layer that holds the bootstrap, always the last one. */
export const ANNOTATION_NYDUS_BOOTSTRAP = 'containerd.io/snapshot/nydus-bootstrap'
/** `"5"` or `"6"`, on the bootstrap layer and on manifests. */
export const ANNOTATION_FS_VERSION = 'containerd.io/snapshot/nydus-fs-version'
/** JSON array of blob ids, on the bootstrap layers of 2021. */
export const ANNOTATION_NYDUS_BLOB_IDS = 'containerd.io/snapshot/nydus-blob-ids'
/** Digest of the source layer that an index-only blob refers to. */
export const ANNOTATION_NYDUS_REF = 'containerd.io/snapshot/nydus-ref'
/** Digest of the source manifest, on manifests; of the source layer, in build caches. */
export const ANNOTATION_SOURCE_DIGEST = 'containerd.io/snapshot/nydus-source-digest'
/** Reference of the source image, on manifests. */
export const ANNOTATION_SOURCE_REFERENCE = 'containerd.io/snapshot/nydus-source-reference'
/** Version of the builder, on manifests. */
export const ANNOTATION_BUILDER_VERSION = 'containerd.io/snapshot/nydus-builder-version'
/** `"true"` on the empty first layer that keeps chain ids of merged indexes apart. */
export const ANNOTATION_EMPTY_LAYER = 'containerd.io/snapshot/nydus-empty-layer'
/** Manifest annotations of 2021. */
export const ANNOTATION_TRACE_VERSION = 'nydus.trace.nydusify-version'
export const ANNOTATION_TRACE_BUILDER_VERSION = 'nydus.trace.builder-version'
export const ANNOTATION_TRACE_SOURCE_REFERENCE = 'nydus.trace.source-reference'
export const ANNOTATION_TRACE_SOURCE_DIGEST = 'nydus.trace.source-digest'

/** Directory member of the bootstrap layer's tar. */
export const BOOTSTRAP_LAYER_DIRECTORY = 'image'
/** The bootstrap inside the bootstrap layer's tar. */
export const BOOTSTRAP_LAYER_PATH = 'image/image.boot'

/** Path of a blob's meta file inside the bootstrap layer's tar. */
export function blobMetaLayerPath(blobId: string): string {
  return `${BOOTSTRAP_LAYER_DIRECTORY}/${blobId}.blob.meta`
}
