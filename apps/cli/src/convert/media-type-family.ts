// SPDX-License-Identifier: Apache-2.0
/** The two families of media types an image can have: a converted image keeps its source's unless told otherwise. */

/** Names of the parts of an image in one family. */
export interface FamilyMediaTypes {
  readonly index: string
  readonly manifest: string
  readonly config: string
  readonly layerGzip: string
}

/** OCI, or Docker's schema 2. */
export type MediaTypeFamily = 'oci' | 'docker'

/** The names of each family. */
export const MEDIA_TYPES: Readonly<Record<MediaTypeFamily, FamilyMediaTypes>> = {
  oci: {
    index: 'application/vnd.oci.image.index.v1+json',
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
  docker: {
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
}

/** Family of a manifest's or an index's media type. */
export function familyOf(mediaType: string): MediaTypeFamily {
  return mediaType.startsWith('application/vnd.docker.') ? 'docker' : 'oci'
}

/** Tells whether `mediaType` names a layer that is a file system: a tar, plain or compressed. */
export function isLayerMediaType(mediaType: string): boolean {
  return (
    /^application\/vnd\.oci\.image\.layer\.(nondistributable\.)?v1\.tar(\+(gzip|zstd))?$/.test(mediaType) ||
    /^application\/vnd\.docker\.image\.rootfs\.(foreign\.)?diff\.tar(\.(gzip|zstd))?$/.test(mediaType)
  )
}
