// SPDX-License-Identifier: Apache-2.0
/** Where images of ours differ from the recorded ones, and why. Everything else is the same. */
import type { Difference } from './document-differences.ts'

/** Where a difference was found. */
export interface DifferencePlace {
  /** Of the fixture. */
  readonly id: string
  /** Position of the bootstrap layer; -1 in an index. */
  readonly lastLayer: number
}

/** Differences that are meant. */
export interface ImageException {
  readonly reason: string
  accepts(difference: Difference, place: DifferencePlace): boolean
}

const ZSTD = 'this release of zstd finds other matches than the one of the original; both decode the same'
const LZ4 = 'the lz4 library finds other matches than the one of the original; both decode the same'
const DICT =
  'a chunk that two blobs of the dictionary have is taken from the other one, so the blobs are first used in another order'

/** Fixture → positions of the blob layers that are others. */
const OTHER_BLOBS: readonly (readonly [reason: string, ids: readonly string[], layers: readonly number[]])[] =
  [
    [ZSTD, ['image-batch', 'image-chunk-size', 'image-bb-default'], [0]],
    [ZSTD, ['image-oci-ref', 'image-oci-ref-docker', 'image-oci-ref-v5'], [0]],
    [LZ4, ['image-lz4'], [0, 1]],
    [DICT, ['image-chunk-dict-registry', 'image-chunk-dict-local'], [0, 1, 2, 5, 6, 7]],
  ]

const ARM_IMAGES = ['image-one-platform', 'image-all-platforms', 'image-all-platforms-merge']

/** The first that accepts a difference counts. */
export const IMAGE_EXCEPTIONS: readonly ImageException[] = [
  {
    reason: 'it says which builder made it',
    accepts: ({ path }) => path === 'manifest.annotations.containerd.io/snapshot/nydus-builder-version',
  },
  {
    reason: 'annotations of nydusify before 2.0 are written as well; --without-trace leaves them out',
    accepts: ({ path, theirs }) =>
      theirs === undefined &&
      /\.annotations\.(nydus\.trace\.|containerd\.io\/snapshot\/nydus-blob-ids$)/.test(path),
  },
  {
    reason:
      'the gzip encoder of the bootstrap layer is another one; the tar inside is the same where the blobs are',
    accepts: ({ path }, { lastLayer }) => layerOf(path) === lastLayer && lastLayer >= 0,
  },
  ...OTHER_BLOBS.map(([reason, ids, layers]) => ({
    reason,
    accepts: ({ path }: Difference, { id }: DifferencePlace) =>
      ids.includes(id) && layers.includes(layerOf(path)),
  })),
  {
    reason: 'digests and sizes of blobs or a bootstrap that are others, for a reason above',
    accepts: ({ path }, { id }) =>
      /^manifest\.manifests\.\d+\.(digest|size)$/.test(path) ||
      (/^(manifest\.config\.digest$|config\.rootfs\.diff_ids\.)/.test(path) &&
        OTHER_BLOBS.some(([, ids]) => ids.includes(id))),
  },
  {
    reason:
      'a directory that the upper layer only puts a file into keeps its time, as in an unpacked image, so the bootstrap differs',
    accepts: ({ path }, { id, lastLayer }) =>
      ARM_IMAGES.includes(id) &&
      lastLayer === 2 &&
      /^(manifest\.config\.digest|config\.rootfs\.diff_ids\.2)$/.test(path),
  },
  {
    reason: 'the source is an image of ours, whose manifest has another digest',
    accepts: ({ path }, { id }) =>
      id === 'image-already-nydus' &&
      path === 'manifest.annotations.containerd.io/snapshot/nydus-source-digest',
  },
]

/** N of `manifest.layers.N.digest` and `.size`; NaN for other paths. */
function layerOf(path: string): number {
  return Number(/^manifest\.layers\.(\d+)\.(digest|size)$/.exec(path)?.[1] ?? Number.NaN)
}

/** Command lines that end in another way than the recorded one: with which status, and whose image is made. */
export const OUTCOME_EXCEPTIONS: Readonly<
  Record<string, { readonly status: number; readonly image: string; readonly reason: string }>
> = {
  'image-build-cache-again': {
    status: 0,
    image: 'image-build-cache',
    reason: 'the original looks for the blobs in the repository of the cache only, and fails with 404',
  },
  'image-chunk-dict-local': {
    status: 0,
    image: 'image-chunk-dict-registry',
    reason: 'the original takes the path for an image reference',
  },
}
