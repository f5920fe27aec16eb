// SPDX-License-Identifier: Apache-2.0
/** Uploads blobs: monolithic (POST, PUT) and cross-repository mounts. Chunked uploads are in chunked-upload.ts. */
import { verifiedStream } from '@nydus/base/digest'
import type { BlobContent, PutBlobOptions } from '../image-store.ts'
import { discard, type HttpResponse, header } from '../transport/http.ts'
import { uploadLocation } from '../transport/redirect.ts'
import { responseError } from '../transport/response-error.ts'
import type { ContentIdentity } from '../types.ts'
import { uploadInChunks } from './chunked-upload.ts'
import { pullScope, type Repository, uploadsPath } from './repository.ts'

/** The registry checks and moves a blob before it answers: large ones take minutes. */
export const COMMIT_TIMEOUT_MS = 300_000

/** An open upload session. */
export interface UploadSession {
  readonly location: URL
  /** Smallest piece that the registry takes, bytes. */
  readonly minChunkSize: number
}

/** Uploads one blob; a failed upload that may pass starts over with a new session. */
export async function uploadBlob(
  repository: Repository,
  descriptor: ContentIdentity,
  content: BlobContent,
  options: PutBlobOptions,
): Promise<void> {
  const open = (): AsyncIterable<Uint8Array> =>
    verifiedStream(
      typeof content === 'function' ? content() : whole(content),
      descriptor,
      `blob ${descriptor.digest}`,
    )
  await repository.transport.retrying(options.signal, async () => {
    const session = await startUpload(repository, options.signal)
    if (options.mode === 'chunked') return uploadInChunks(repository, session, descriptor, open(), options)
    return uploadMonolithic(repository, session, descriptor, open, options)
  })
}

/** Asks the registry to take a blob from another of its repositories. */
export async function mountBlob(
  repository: Repository,
  descriptor: ContentIdentity,
  fromRepository: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { transport } = repository
  return transport.retrying(signal, async () => {
    const query = new URLSearchParams({ mount: descriptor.digest, from: fromRepository })
    const response = await transport.send({
      method: 'POST',
      target: `${uploadsPath(repository)}?${query.toString()}`,
      scopes: [...repository.pushScopes, pullScope(fromRepository)],
      signal,
    })
    if (response.status === 201) {
      await discard(response)
      return true
    }
    if (response.status === 202) {
      await discard(response)
      await cancelUpload(repository, response)
      return false
    }
    const error = await responseError(response, `mount ${descriptor.digest} from ${fromRepository}`, {
      signal,
    })
    if (error.retryable) throw error
    return false
  })
}

/** Opens an upload session. */
export async function startUpload(
  repository: Repository,
  signal: AbortSignal | undefined,
): Promise<UploadSession> {
  const { transport, pushScopes } = repository
  const response = await transport.send({
    method: 'POST',
    target: uploadsPath(repository),
    scopes: pushScopes,
    signal,
  })
  if (response.status !== 202) throw await responseError(response, `upload to ${repository.name}`, { signal })
  await discard(response)
  const minimum = Number(header(response, 'oci-chunk-min-length') ?? 0)
  return {
    location: await sessionLocation(repository, response, signal),
    minChunkSize: Number.isSafeInteger(minimum) && minimum > 0 ? minimum : 0,
  }
}

/** The address for the next request of a session. */
export async function sessionLocation(
  repository: Repository,
  response: HttpResponse,
  signal: AbortSignal | undefined,
): Promise<URL> {
  const { url, plainHttpAllowed } = await repository.transport.base(signal)
  return uploadLocation(response, url, plainHttpAllowed)
}

/** The address that ends a session. */
export function commitUrl(location: URL, descriptor: ContentIdentity): URL {
  const url = new URL(location)
  url.searchParams.set('digest', descriptor.digest)
  return url
}

async function uploadMonolithic(
  repository: Repository,
  session: UploadSession,
  descriptor: ContentIdentity,
  open: () => AsyncIterable<Uint8Array>,
  options: PutBlobOptions,
): Promise<void> {
  const response = await repository.transport.send({
    method: 'PUT',
    target: commitUrl(session.location, descriptor),
    scopes: repository.pushScopes,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(descriptor.size) },
    body: () => counted(open(), options.onProgress),
    signal: options.signal,
    headersTimeoutMs: Math.max(COMMIT_TIMEOUT_MS, repository.transport.deadlineMs),
  })
  if (response.status < 200 || response.status > 299) {
    throw await responseError(response, `upload of ${descriptor.digest} to ${repository.name}`, options)
  }
  await discard(response)
}

/** Best effort: registries remove abandoned sessions themselves. */
async function cancelUpload(repository: Repository, started: HttpResponse): Promise<void> {
  try {
    const target = await sessionLocation(repository, started, undefined)
    const { transport, pushScopes } = repository
    await discard(await transport.send({ method: 'DELETE', target, scopes: pushScopes }))
  } catch {
    // The blob is uploaded in another session anyway.
  }
}

async function* counted(source: AsyncIterable<Uint8Array>, onProgress: PutBlobOptions['onProgress']) {
  let sent = 0
  for await (const bytes of source) {
    yield bytes
    sent += bytes.length
    onProgress?.(sent)
  }
}

const PIECE_BYTES = 256 << 10

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}
