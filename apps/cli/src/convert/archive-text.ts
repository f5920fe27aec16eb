// SPDX-License-Identifier: Apache-2.0
/** `--source-archive FILE`: OCI layouts and `docker save` look the same from outside, so what is in the file decides. */
import { stat } from 'node:fs/promises'
import { isNydusError, NydusError } from '@nydus/base/error'
import { openImageStore } from '@nydus/registry-client'

/**
 * The text that names the image of an archive for `openImageStore`.
 * @param path the file, or a text that says its format already.
 * @param name which image, when the archive holds several.
 * @throws {NydusError} ERR_USAGE for a file that is not there, and what the store throws when no format fits.
 */
export async function sourceArchiveText(path: string, name: string | undefined): Promise<string> {
  if (/^(oci-archive|docker-archive):/.test(path)) return path
  await stat(path).catch((cause: unknown) => {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const reason = missing ? 'does not exist' : `cannot be read: ${(cause as Error).message}`
    throw new NydusError('ERR_USAGE', `source archive ${path} ${reason}`, missing ? {} : { cause })
  })
  let failure: unknown
  for (const kind of ['oci-archive', 'docker-archive']) {
    for (const suffix of name === undefined ? [''] : ['', `:${name}`]) {
      const text = `${kind}:${path}${suffix}`
      try {
        await resolves(text)
        return text
      } catch (error) {
        failure = error
        if (isNydusError(error, 'ERR_IMAGE_NOT_AN_IMAGE')) break // another format
        if (!isNydusError(error, 'ERR_REGISTRY_NOT_FOUND')) throw error
      }
    }
  }
  throw failure
}

async function resolves(text: string): Promise<void> {
  const store = openImageStore(text)
  try {
    await store.resolve()
  } finally {
    await store.close()
  }
}

/** The text of a target archive; the image is entered under `name`. */
export function targetArchiveText(path: string, name: string | undefined): string {
  if (/^oci-archive:/.test(path)) return path
  if (/^docker-archive:/.test(path)) {
    const hint = 'every docker of today loads OCI archives; write one with oci-archive:FILE'
    throw new NydusError('ERR_USAGE', '--target-archive: docker archives cannot be written', { hint })
  }
  return `oci-archive:${path}${name === undefined ? '' : `:${name}`}`
}
