// SPDX-License-Identifier: Apache-2.0
/** A blob from one store into another: mounted where a registry can, streamed elsewhere, not at all where it is already. */
import { type ContentIdentity, type ImageStore, parseReference } from '@nydus/registry-client'

/** Makes the blob `identity` of `from` available in `to`. @throws what the stores throw. */
export async function transferBlob(
  identity: ContentIdentity,
  from: ImageStore,
  to: ImageStore,
  signal?: AbortSignal,
): Promise<void> {
  const { digest, size } = identity
  const repository = mountableRepository(from, to)
  if (repository !== undefined) {
    // A token server may refuse to look into a repository that does not exist yet: then it has no blob either.
    if (await to.hasBlob({ digest, size }, signal).catch(() => false)) return
    if (await to.mountBlob({ digest, size }, repository, signal)) return
  }
  await to.putBlob({ digest, size }, () => from.openBlob({ digest, size }, { signal }), { signal })
}

/** The repository of `from`, when it is another one in the registry of `to`. */
export function mountableRepository(from: ImageStore, to: ImageStore): string | undefined {
  if (from.kind !== 'registry' || to.kind !== 'registry') return undefined
  const [source, target] = [parseReference(from.reference), parseReference(to.reference)]
  const sameRegistry = source.registry === target.registry
  return sameRegistry && source.repository !== target.repository ? source.repository : undefined
}
