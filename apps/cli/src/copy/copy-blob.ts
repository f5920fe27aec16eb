// SPDX-License-Identifier: Apache-2.0
/** One blob into the target: not at all where it is already, mounted where a registry can, streamed elsewhere. */

import type { BlobContent, ContentIdentity, ImageStore } from '@nydus/registry-client'
import { withRetries } from '../convert/retry.ts'
import { mountableRepository } from '../convert/transfer-blob.ts'
import { shortDigest } from '../render/format.ts'
import type { BlobRoute } from './copy-options.ts'
import type { Transfer } from './transfer.ts'

/** A blob and where its bytes come from. */
export interface BlobToCopy extends ContentIdentity {
  /** Bytes that are in no store. */
  readonly content?: BlobContent
  /** The store that has it, when it is not the transfer's source. */
  readonly from?: ImageStore
}

/** Brings one blob to the target, trying again where that may help. @throws what the stores throw. */
export async function copyBlob(blob: BlobToCopy, transfer: Transfer): Promise<BlobRoute> {
  const { retry, onEvent } = transfer
  const { digest, size } = blob
  const route = await withRetries(`copy of ${shortDigest(digest)}`, () => copyOnce(blob, transfer), retry)
  onEvent({ type: 'blob-done', digest, size, route })
  return route
}

async function copyOnce(blob: BlobToCopy, transfer: Transfer): Promise<BlobRoute> {
  const { target, signal, pushChunkBytes, onEvent } = transfer
  const source = blob.from ?? transfer.source
  const identity = { digest: blob.digest, size: blob.size }
  signal.throwIfAborted()
  // A token server may refuse to look into a repository that does not exist yet: then it has no blob either.
  if (await isThere(target, identity, signal)) return 'exists'
  const repository = blob.content === undefined ? mountableRepository(source, target) : undefined
  if (repository !== undefined && (await target.mountBlob(identity, repository, signal))) return 'mounted'
  await target.putBlob(identity, blob.content ?? (() => source.openBlob(identity, { signal })), {
    signal,
    onProgress: (sentBytes) => onEvent({ type: 'blob-progress', digest: blob.digest, sentBytes }),
    ...(pushChunkBytes > 0 && { mode: 'chunked', chunkSize: pushChunkBytes }),
  })
  return 'streamed'
}

async function isThere(store: ImageStore, identity: ContentIdentity, signal: AbortSignal): Promise<boolean> {
  try {
    return await store.hasBlob(identity, signal)
  } catch {
    signal.throwIfAborted()
    return false
  }
}
