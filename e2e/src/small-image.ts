// SPDX-License-Identifier: Apache-2.0
/** A small image of every kind of file, for tests that need neither root nor Debian's tools. */
import {
  buildTar,
  type PutImage,
  putImage,
  seededMembers,
  type TarMember,
  type TestRegistry,
} from '@nydus/testkit'

const BASE: readonly TarMember[] = [
  { path: 'etc/', type: 'directory', mode: 0o755 },
  { path: 'etc/motd', content: 'welcome\n', xattrs: { 'user.note': 'an attribute' } },
  { path: 'etc/removed', content: 'gone in the next layer\n' },
  { path: 'srv/', type: 'directory', mode: 0o755 },
  { path: 'srv/old', content: 'hidden by an opaque directory\n' },
]

const UPPER: readonly TarMember[] = [
  { path: 'etc/', type: 'directory', mode: 0o755 },
  { path: 'etc/.wh.removed' },
  { path: 'srv/', type: 'directory', mode: 0o1777 },
  { path: 'srv/.wh..wh..opq' },
  { path: 'srv/new', content: 'new\n', mode: 0o4755 },
  { path: 'srv/hard', type: 'hardlink', target: 'srv/new' },
  { path: 'srv/dangling', type: 'symlink', target: '../nowhere', mode: 0o777 },
  { path: 'srv/fifo', type: 'fifo' },
  { path: Buffer.from([...Buffer.from('srv/latin-'), 0xe9, 0xff]), content: 'a name that is not UTF-8\n' },
]

/** Plain tars of the three layers, lowest first. */
export function smallLayers(): Uint8Array[] {
  return [
    buildTar(BASE),
    buildTar(seededMembers({ seed: 7, files: 24, maxFileBytes: 2_500_000, root: 'data' })),
    buildTar(UPPER),
  ]
}

/** Puts the image into `registry` as `repository:tag`. */
export function putSmallImage(registry: TestRegistry, repository: string, tag: string): PutImage {
  return putImage(registry, repository, tag, smallLayers())
}
