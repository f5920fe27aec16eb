// SPDX-License-Identifier: Apache-2.0
/** The way in: a text names a registry repository, a layout directory or an archive. */
import { isDigest } from '@nydus/base/digest'
import { openDockerArchive } from './archive/docker-archive.ts'
import { openOciArchive } from './archive/oci-archive.ts'
import { RegistryError } from './errors.ts'
import type { ImageStore, StoreOptions } from './image-store.ts'
import { openLayoutDirectory } from './local/layout-directory.ts'
import type { EntryName } from './local/layout-index.ts'
import { parseReference } from './reference.ts'
import { openRegistryStore } from './registry/registry-store.ts'

const LOCAL_STORES = {
  oci: openLayoutDirectory,
  'oci-archive': openOciArchive,
  'docker-archive': openDockerArchive,
} as const

const LOCAL_TEXT = /^(oci|oci-archive|docker-archive):(.*)$/s
/** A path up to the first colon (a drive letter's does not count), then a name or a digest. */
const PATH_AND_NAME = /^((?:[A-Za-z]:[\\/])?[^:]+?)(?::(.+?))?(?:@(sha256:.+))?$/s

/**
 * Opens what `text` names: `oci:DIR[:tag]`, `oci-archive:FILE[:tag]`, `docker-archive:FILE[:reference]` (each also with
 * `@sha256:…`), or an image reference. Nothing is read or sent yet. The path of a local store has no colon.
 * @throws {RegistryError} ERR_REFERENCE_INVALID
 * @example
 * const store = openImageStore('docker.io/library/alpine:3.20', { credentials: dockerCredentials() })
 * const { document } = await store.manifest(await store.resolve())
 */
export function openImageStore(text: string, options: StoreOptions = {}): ImageStore {
  const [, kind, rest = ''] = LOCAL_TEXT.exec(text) ?? []
  if (kind === undefined) return openRegistryStore(parseReference(text), options)
  const [, path, name, digest] = PATH_AND_NAME.exec(rest) ?? []
  if (path === undefined || (digest !== undefined && !isDigest(digest))) throw invalid(text)
  const wanted: EntryName = digest !== undefined ? { digest } : name !== undefined ? { name } : {}
  return LOCAL_STORES[kind as keyof typeof LOCAL_STORES](path, wanted, text)
}

function invalid(text: string): RegistryError {
  return new RegistryError('ERR_REFERENCE_INVALID', `bad image location "${text.slice(0, 300)}"`, {
    details: { reference: text },
    hint: 'write oci:DIRECTORY[:tag], oci-archive:FILE[:tag] or docker-archive:FILE[:reference]',
  })
}
