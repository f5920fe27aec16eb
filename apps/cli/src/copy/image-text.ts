// SPDX-License-Identifier: Apache-2.0
/** `file://` names of archives, as the original's `copy` takes them, beside all that `openImageStore` knows. */
import { resolve } from 'node:path'
import { sourceArchiveText, targetArchiveText } from '../convert/archive-text.ts'
import { isSamePlace } from '../convert/store-text.ts'

const FILE = /^file:\/\/(.+)$/s

/** The text of a source for `openImageStore`; what is in the archive decides its format. @throws what `sourceArchiveText` throws. */
export async function sourceText(text: string): Promise<string> {
  const path = FILE.exec(text)?.[1]
  return path === undefined ? text : await sourceArchiveText(resolve(path), undefined)
}

/** The text of a target for `openImageStore`. */
export function targetText(text: string): string {
  const path = FILE.exec(text)?.[1]
  return path === undefined ? text : targetArchiveText(resolve(path), undefined)
}

/** Tells whether both texts name the same image in the same place. @throws {NydusError} ERR_REFERENCE_INVALID */
export function isSameImage(one: string, other: string): boolean {
  const [onePath, otherPath] = [FILE.exec(one)?.[1], FILE.exec(other)?.[1]]
  if (onePath !== undefined && otherPath !== undefined) return resolve(onePath) === resolve(otherPath)
  return onePath === undefined && otherPath === undefined && isSamePlace(one, other)
}
