// SPDX-License-Identifier: Apache-2.0

// For everyone.
export { type CredentialSource, type Credentials, fixedCredentials } from './credentials/credential-source.ts'
export { type DockerCredentialsOptions, dockerCredentials } from './credentials/docker-config.ts'
export { RegistryError } from './errors.ts'
export type {
  BlobContent,
  CallOptions,
  ImageStore,
  OpenBlobOptions,
  PutBlobOptions,
  PutManifestOptions,
  StoredManifest,
  StoreKind,
  StoreOptions,
} from './image-store.ts'
// For those who write files beside images.
export { makeDirectories, removeDirectories } from './local/make-directories.ts'
// For those who write manifests.
export {
  isDockerMediaType,
  isIndexMediaType,
  isManifestMediaType,
  MANIFEST_MEDIA_TYPES,
  MEDIA_TYPE_DOCKER_CONFIG,
  MEDIA_TYPE_DOCKER_INDEX,
  MEDIA_TYPE_DOCKER_LAYER,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_INDEX,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_LAYER_ZSTD,
  MEDIA_TYPE_OCI_MANIFEST,
} from './media-types.ts'
export { openImageStore } from './open-image-store.ts'
export { formatPlatform, parsePlatform, platformMatches, selectManifest } from './platform.ts'
export { formatReference, isTag, parseReference, type Reference } from './reference.ts'
export {
  type Annotations,
  type ContentIdentity,
  type Descriptor,
  type HistoryEntry,
  type ImageConfig,
  type Index,
  isIndex,
  type Manifest,
  type Platform,
} from './types.ts'
