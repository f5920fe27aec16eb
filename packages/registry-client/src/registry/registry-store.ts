// SPDX-License-Identifier: Apache-2.0
/** A registry repository as an image store. */
import type { Digest } from '@nydus/base/digest'
import { RegistryError } from '../errors.ts'
import type { ImageStore, StoreOptions } from '../image-store.ts'
import { formatReference, type Reference } from '../reference.ts'
import { createTransport } from '../transport/transport.ts'
import type { ContentIdentity } from '../types.ts'
import { createBlobReader } from './blob-reader.ts'
import { createBlobRequester } from './blob-request.ts'
import { mountBlob, uploadBlob } from './blob-upload.ts'
import { readManifest, resolveReference, writeManifest } from './manifests.ts'
import { createRepository } from './repository.ts'

/** Opens a repository. Nothing is sent before the first call. */
export function openRegistryStore(reference: Reference, options: StoreOptions): ImageStore {
  const transport = createTransport(reference.registry, options)
  const name = formatReference(reference)
  const repository = createRepository(transport, reference, name)
  const reader = createBlobReader(repository, createBlobRequester(repository))

  async function has(
    descriptor: ContentIdentity,
    signal: AbortSignal | undefined,
    scopes: readonly string[],
  ): Promise<boolean> {
    const size = await reader.size(descriptor.digest, signal, scopes)
    return size !== undefined && (Number.isNaN(size) || size === descriptor.size)
  }

  return {
    kind: 'registry',
    reference: name,
    resolve: (signal) => resolveReference(repository, signal),
    manifest: (descriptor, signal) => readManifest(repository, descriptor, signal),
    openBlob: (descriptor, blobOptions = {}) => reader.open(descriptor, blobOptions),
    readBlobRange: (digest, range, callOptions = {}) => reader.readRange(digest, range, callOptions),
    hasBlob: (descriptor, signal) => has(descriptor, signal, repository.pullScopes),
    async blobSize(digest, signal) {
      const size = await reader.size(digest, signal)
      if (size !== undefined && Number.isSafeInteger(size)) return size
      throw noSize(name, digest, size === undefined)
    },
    mountBlob: (descriptor, fromRepository, signal) =>
      mountBlob(repository, descriptor, fromRepository, signal),
    async putBlob(descriptor, content, putOptions = {}) {
      // Asked with the scope of writing: token servers refuse to read what does not exist yet.
      if (await has(descriptor, putOptions.signal, repository.pushScopes)) return
      await uploadBlob(repository, descriptor, content, putOptions)
    },
    putManifest: (bytes, mediaType, putOptions = {}) =>
      writeManifest(repository, bytes, mediaType, putOptions),
    close: () => transport.close(),
  }
}

function noSize(name: string, digest: Digest, missing: boolean): RegistryError {
  return missing
    ? new RegistryError('ERR_REGISTRY_NOT_FOUND', `${name}: no blob ${digest}`, { status: 404 })
    : new RegistryError(
        'ERR_REGISTRY_BAD_RESPONSE',
        `${name}: the registry does not tell the size of blob ${digest}`,
      )
}
