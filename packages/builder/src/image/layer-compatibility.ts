// SPDX-License-Identifier: Apache-2.0
/** What the layers of one image must have in common. */
import { type Bootstrap, SUPER_FLAGS } from '@nydus/rafs-format'
import { BuildError } from '../build-error.ts'

/**
 * Compressors and, in RAFS v6, digesters may differ: they belong to the blobs. Inodes of RAFS v5 have digests, too.
 * @param reference the chunk dictionary or the first layer.
 * @throws {BuildError} ERR_BUILD_LAYER_MISMATCH
 */
export function checkCompatible(bootstrap: Bootstrap, reference: Bootstrap): void {
  for (const [what, read] of ASPECTS) {
    const expected = read(reference)
    const found = read(bootstrap)
    if (expected === found) continue
    throw new BuildError(
      'ERR_BUILD_LAYER_MISMATCH',
      `layers differ in ${what}: ${expected} below, ${found} on top`,
      { details: { what, expected, found }, hint: 'build all layers of an image with the same options' },
    )
  }
}

const ASPECTS: readonly (readonly [string, (bootstrap: Bootstrap) => string | number | boolean])[] = [
  ['chunk size', ({ chunkSize }) => chunkSize],
  ['recording of owners', ({ flags }) => (flags & SUPER_FLAGS.EXPLICIT_UID_GID) !== 0n],
  ['RAFS version', ({ fsVersion }) => fsVersion],
  ['digest algorithm of RAFS v5', ({ fsVersion, digester }) => fsVersion === 5 && digester],
  ['tarfs mode', isTarfs],
]

/** Tells whether the blobs of the image are tars. */
export function isTarfs({ flags }: Pick<Bootstrap, 'flags'>): boolean {
  return (flags & SUPER_FLAGS.TARFS_MODE) !== 0n
}
