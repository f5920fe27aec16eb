// SPDX-License-Identifier: Apache-2.0
/** Directory data of RAFS v6, straight from a plan: `encodeDirents` without an object for each entry. */
import { direntTypeOf, MAX_NAME_BYTES } from '@nydus/rafs-format'
import { Dirent, EROFS_SLOT_BYTES } from '@nydus/rafs-format/layout'
import { BuildError } from '../build-error.ts'
import { displayPath } from '../tree/byte-name.ts'
import type { ByteName, Node } from '../tree/node.ts'
import { dottedNames } from './dotted-names.ts'
import type { LayoutPlan, PlannedDirectory } from './plan-layout.ts'

const AT = Dirent.offsets

/** @throws {BuildError} ERR_BUILD_TOO_LARGE for a name that is empty or above 255 bytes. The root has none. */
export function checkNames({ names }: LayoutPlan, blockSize: number): void {
  const longest = Math.min(MAX_NAME_BYTES, blockSize - Dirent.size)
  for (let number = 1; number < names.length; number++) {
    const name = names[number] as ByteName
    if (name.length === 0 || name.length > longest) throw badName(name, longest)
  }
}

/** The `directory.size` bytes of a directory's entries, whose names must have been checked. */
export function encodeDirectory(
  directory: PlannedDirectory,
  plan: LayoutPlan,
  blockSize: number,
): Uint8Array {
  const { firstChild, childCount } = directory
  const names = dottedNames(plan.names, firstChild, childCount)
  const numbers = entryNumbers(names, directory)
  const data = new Uint8Array(directory.size)
  const view = new DataView(data.buffer)
  let block = 0
  for (let first = 0; first < names.length; block += blockSize) {
    const count = entriesThatFit(names, first, blockSize)
    let nameOffset = count * Dirent.size
    for (let i = 0; i < count; i++) {
      const name = names[first + i] as ByteName
      const number = numbers[first + i] as number
      const at = block + i * Dirent.size
      view.setUint32(at + AT.nid, (plan.inodeOffsets[number] as number) / EROFS_SLOT_BYTES, true)
      view.setUint16(at + AT.nameOffset, nameOffset, true)
      view.setUint8(at + AT.fileType, direntTypeOf((plan.nodes[number] as Node).mode))
      for (let k = 0; k < name.length; k++) data[block + nameOffset + k] = name.charCodeAt(k)
      nameOffset += name.length
    }
    first += count
  }
  return data
}

/** Entry numbers of the names; the dots are the directory and its parent. */
function entryNumbers(
  names: readonly ByteName[],
  { number, parent, firstChild }: PlannedDirectory,
): Uint32Array {
  const numbers = new Uint32Array(names.length)
  let child = firstChild
  for (const [i, name] of names.entries()) {
    if (name === '.') numbers[i] = number
    else if (name === '..') numbers[i] = parent
    else numbers[i] = child++
  }
  return numbers
}

function entriesThatFit(names: readonly ByteName[], first: number, blockSize: number): number {
  let used = 0
  let count = 0
  for (; first + count < names.length; count++) {
    used += Dirent.size + (names[first + count] as ByteName).length
    if (used > blockSize) break
  }
  return count
}

function badName(name: ByteName, limit: number): BuildError {
  const text = displayPath([name]).slice(1)
  return new BuildError(
    'ERR_BUILD_TOO_LARGE',
    `name '${text}' has ${name.length} bytes, 1 to ${limit} can be stored`,
    {
      details: { length: name.length, limit },
    },
  )
}
