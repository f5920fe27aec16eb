// SPDX-License-Identifier: Apache-2.0
/** What a person types for a place that holds an image, and what an image says about where it came from. */
import { basename, resolve } from 'node:path'
import { NydusError } from '@nydus/base/error'
import { formatReference, parseReference } from '@nydus/registry-client'

const LOCAL_STORE = /^(oci|oci-archive|docker-archive):(.*)$/s

/**
 * The source as annotations name it: a full reference, or the last component of a local path, so that the image does
 * not depend on (and does not tell) where the file lay.
 */
export function printableReference(text: string): string {
  const local = LOCAL_STORE.exec(text)
  return local ? `${local[1]}:${basename(local[2] ?? '')}` : formatReference(parseReference(text))
}

/**
 * The target that `--target-suffix` means: the source's reference with the suffix at its tag.
 * @throws {NydusError} ERR_USAGE for a source by digest or a local source.
 */
export function suffixedTarget(source: string, suffix: string): string {
  if (LOCAL_STORE.test(source)) {
    throw new NydusError('ERR_USAGE', `--target-suffix: ${source} has no tag in a registry`, {
      hint: 'use --target',
    })
  }
  const reference = parseReference(source)
  if (reference.digest !== undefined || reference.tag === undefined) {
    const message = `--target-suffix: ${source} is named by digest, so there is no tag to append to`
    throw new NydusError('ERR_USAGE', message, { hint: 'use --target' })
  }
  const target = formatReference({ ...reference, tag: `${reference.tag}${suffix}` })
  parseReference(target)
  return target
}

/** Tells whether two texts name the same image in the same place. @throws {NydusError} ERR_REFERENCE_INVALID */
export function isSamePlace(one: string, other: string): boolean {
  return placeKey(one) === placeKey(other)
}

function placeKey(text: string): string {
  const local = LOCAL_STORE.exec(text)
  return local ? `${local[1]}:${resolve(local[2] ?? '')}` : formatReference(parseReference(text))
}
