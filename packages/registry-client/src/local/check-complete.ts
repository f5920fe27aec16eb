// SPDX-License-Identifier: Apache-2.0
/** What registries check too: a manifest is stored only when everything it names is there. */
import { RegistryError } from '../errors.ts'
import { type ContentIdentity, type Descriptor, type Index, isIndex, type Manifest } from '../types.ts'

/** What a document needs: config and layers, or manifests. Foreign layers, which have `urls`, may be elsewhere. */
export function requiredContent(document: Manifest | Index): readonly Descriptor[] {
  if (isIndex(document)) return document.manifests
  return [document.config, ...document.layers].filter((descriptor) => !descriptor.urls?.length)
}

/** @throws {RegistryError} ERR_REGISTRY_UPLOAD_REJECTED naming the first content that is missing. */
export async function checkComplete(
  document: Manifest | Index,
  has: (content: ContentIdentity) => Promise<boolean>,
  place: string,
): Promise<void> {
  for (const descriptor of requiredContent(document)) {
    if (await has(descriptor)) continue
    const { digest, mediaType } = descriptor
    throw new RegistryError(
      'ERR_REGISTRY_UPLOAD_REJECTED',
      `${place}: the manifest names ${digest}, which is not there`,
      {
        details: { place, digest, mediaType },
      },
    )
  }
}
