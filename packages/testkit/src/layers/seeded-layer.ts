// SPDX-License-Identifier: Apache-2.0
/** A reproducible layer: directories, files of many sizes, links and repeated content. */
import { buildTar, type TarMember } from '../tar/build-tar.ts'
import { SeededRandom } from './seeded-random.ts'

/** What the layer is made of. */
export interface SeededLayerOptions {
  readonly seed: number
  /** Regular files; default 20. */
  readonly files?: number
  /** Largest file in bytes; default 3 MiB. */
  readonly maxFileBytes?: number
  /** Directory that holds everything; default `seeded`. */
  readonly root?: string
}

/** The members of the layer, parents first. */
export function seededMembers(options: SeededLayerOptions): TarMember[] {
  const random = new SeededRandom(options.seed)
  const root = options.root ?? 'seeded'
  const members: TarMember[] = [{ path: `${root}/`, type: 'directory', mode: 0o755 }]
  const repeated = random.text(5000)
  for (let i = 0; i < (options.files ?? 20); i++) {
    const size = Math.floor((options.maxFileBytes ?? 3 << 20) * random.next() ** 4)
    const content = i % 5 === 0 ? repeated : i % 2 === 0 ? random.text(size) : random.bytes(size)
    if (i % 8 === 0) members.push({ path: `${root}/d${i}/`, type: 'directory', mode: 0o755 })
    members.push({ path: `${root}/d${i - (i % 8)}/file-${i}`, content, mode: 0o644, uid: i, gid: i * 3 })
  }
  members.push({ path: `${root}/link`, type: 'symlink', target: 'd0/file-0', mode: 0o777 })
  members.push({ path: `${root}/hard`, type: 'hardlink', target: `${root}/d0/file-0` })
  return members
}

/** The layer as a plain tar. */
export function seededLayer(options: SeededLayerOptions): Uint8Array {
  return buildTar(seededMembers(options))
}
