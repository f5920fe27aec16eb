// SPDX-License-Identifier: Apache-2.0
/** GET and HEAD of blobs, at the registry and at the second origin that redirects lead to. */
import { createHmac, randomBytes } from 'node:crypto'
import { answer, answerContent, type Exchange, refuse } from './exchange.ts'
import type { Repositories } from './repositories.ts'

const SIGNING_KEY = randomBytes(16)
const BINARY = { 'content-type': 'application/octet-stream' }

/** Where redirects lead: an origin, when the registry has one. */
export interface RedirectPolicy {
  readonly contentOrigin: string
  /** True when every GET of a blob is redirected, not only those that a fault hits. */
  readonly always: boolean
}

/** `/v2/<name>/blobs/<digest>`. */
export async function blobRoute(
  exchange: Exchange,
  repositories: Repositories,
  redirects: RedirectPolicy,
): Promise<void> {
  const { repository, reference, method } = exchange.log
  if (method !== 'GET' && method !== 'HEAD') {
    await refuse(exchange, 405, 'UNSUPPORTED', `${method} is not supported`)
    return
  }
  const content = repositories.blob(repository, reference)
  if (content === undefined) {
    await refuse(exchange, 404, 'BLOB_UNKNOWN', `no blob ${reference} in ${repository}`)
    return
  }
  if (method === 'GET' && (redirects.always || exchange.fault?.do === 'redirect')) {
    await answer(exchange, 307, {
      location: `${redirects.contentOrigin}/content/${reference}?signature=${sign(reference)}`,
    })
    return
  }
  await answerContent(exchange, content, BINARY)
}

/** `/content/<digest>?signature=…` at the second origin: like an object store, it refuses a request that is signed twice. */
export async function contentRoute(exchange: Exchange, repositories: Repositories): Promise<void> {
  const { reference, authorization } = exchange.log
  const content = repositories.blobs.get(reference)
  if (authorization !== undefined) {
    await refuse(exchange, 400, 'UNSUPPORTED', 'only one authentication mechanism is allowed')
  } else if (exchange.url.searchParams.get('signature') !== sign(reference)) {
    await refuse(exchange, 403, 'DENIED', 'the signature does not fit')
  } else if (content === undefined) {
    await refuse(exchange, 404, 'BLOB_UNKNOWN', `no content ${reference}`)
  } else {
    await answerContent(exchange, content, BINARY)
  }
}

function sign(digest: string): string {
  return createHmac('sha256', SIGNING_KEY).update(digest).digest('hex').slice(0, 32)
}
