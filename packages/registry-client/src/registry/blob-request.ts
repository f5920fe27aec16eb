// SPDX-License-Identifier: Apache-2.0
/** Sends blob requests; redirects to object storage are remembered for each blob. */

import type { ByteRange } from '@nydus/base/binary'
import type { Digest } from '@nydus/base/digest'
import { discard, type HttpResponse } from '../transport/http.ts'
import { isRedirect, redirectTarget } from '../transport/redirect.ts'
import { blobPath, type Repository } from './repository.ts'

/** Requests for the blobs of one repository. */
export interface BlobRequester {
  /** Sends GET or HEAD for a blob, with `range` if given. Redirects are followed. */
  request(
    method: 'GET' | 'HEAD',
    digest: Digest,
    range: { readonly offset: number; readonly length?: number } | undefined,
    signal: AbortSignal | undefined,
    /** Token scopes, by default those of reading. */
    scopes?: readonly string[],
  ): Promise<HttpResponse>
}

/** More blobs than an image has layers; the oldest is forgotten first. */
const MAX_REMEMBERED = 1024

/** Makes a requester with an empty memory. */
export function createBlobRequester(repository: Repository): BlobRequester {
  const { transport, pullScopes } = repository
  const redirects = new Map<Digest, URL>()

  function remember(digest: Digest, target: URL): void {
    redirects.delete(digest)
    redirects.set(digest, target)
    const [oldest] = redirects.keys()
    if (redirects.size > MAX_REMEMBERED && oldest !== undefined) redirects.delete(oldest)
  }

  function forget(digest: Digest, target: URL): void {
    if (redirects.get(digest) === target) redirects.delete(digest)
  }

  return {
    async request(method, digest, range, signal, scopes = pullScopes) {
      const headers = range === undefined ? {} : { range: formatRange(range) }
      const common = { method, scopes, headers, signal }
      // Presigned addresses are valid for one method only.
      const known = method === 'GET' ? redirects.get(digest) : undefined
      if (known !== undefined) {
        const response = await transport.send({ ...common, target: known }).catch((error) => {
          forget(digest, known)
          throw error
        })
        if (!isStale(response)) return response
        await discard(response)
        forget(digest, known)
      }
      const response = await transport.send({
        ...common,
        target: blobPath(repository, digest),
        redirect: 'manual',
      })
      if (!isRedirect(response)) return response
      await discard(response)
      const { url, plainHttpAllowed } = await transport.base(signal)
      const target = redirectTarget(response, plainHttpAllowed)
      if (method === 'GET' && target.origin !== url.origin) remember(digest, target)
      return transport.send({ ...common, target })
    },
  }
}

/** `bytes=first-last` of a range; without a length up to the end. */
export function formatRange(range: Pick<ByteRange, 'offset'> & { readonly length?: number }): string {
  return `bytes=${range.offset}-${range.length === undefined ? '' : range.offset + range.length - 1}`
}

/** A remembered address that expired: object stores answer 400, 401, 403, 404 or 410. */
function isStale(response: HttpResponse): boolean {
  return response.status >= 400 && response.status < 500 && response.status !== 416 && response.status !== 429
}
