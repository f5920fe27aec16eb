// SPDX-License-Identifier: Apache-2.0
/** Chunked uploads: POST, PATCH for each piece, PUT. A piece that failed is sent again from where the registry stands. */
import { isNydusError } from '@nydus/base/error'
import { RegistryError } from '../errors.ts'
import type { PutBlobOptions } from '../image-store.ts'
import { discard, type HttpResponse, header } from '../transport/http.ts'
import { responseError } from '../transport/response-error.ts'
import type { ContentIdentity } from '../types.ts'
import { COMMIT_TIMEOUT_MS, commitUrl, sessionLocation, type UploadSession } from './blob-upload.ts'
import type { Repository } from './repository.ts'

/** One piece is held in memory. */
const DEFAULT_CHUNK_BYTES = 16 << 20

/** Uploads a verified stream piece by piece and commits it. */
export async function uploadInChunks(
  repository: Repository,
  session: UploadSession,
  descriptor: ContentIdentity,
  content: AsyncIterable<Uint8Array>,
  options: PutBlobOptions,
): Promise<void> {
  const chunkSize = Math.max(options.chunkSize ?? DEFAULT_CHUNK_BYTES, session.minChunkSize, 1)
  let { location } = session
  let offset = 0
  for await (const piece of piecesOf(content, chunkSize)) {
    location = await sendPiece(repository, location, piece, offset, options.signal)
    offset += piece.length
    options.onProgress?.(offset)
  }
  const response = await repository.transport.send({
    method: 'PUT',
    target: commitUrl(location, descriptor),
    scopes: repository.pushScopes,
    headers: { 'content-length': '0' },
    body: new Uint8Array(),
    signal: options.signal,
    headersTimeoutMs: Math.max(COMMIT_TIMEOUT_MS, repository.transport.deadlineMs),
  })
  if (response.status < 200 || response.status > 299) {
    throw await responseError(response, `upload of ${descriptor.digest} to ${repository.name}`, options)
  }
  await discard(response)
}

/** Sends one piece, again after a failure that may pass. @returns the address of the next request. */
async function sendPiece(
  repository: Repository,
  location: URL,
  piece: Uint8Array,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<URL> {
  return repository.transport.retrying(signal, async (attempt) => {
    const standing =
      attempt === 0
        ? { location, received: offset }
        : await uploadStatus(repository, location, offset, signal)
    const rest = piece.subarray(standing.received - offset)
    if (rest.length === 0) return standing.location
    const response = await patch(repository, standing.location, rest, standing.received, signal)
    if (response.status !== 202)
      throw await responseError(response, `upload to ${repository.name}`, { signal })
    await discard(response)
    return sessionLocation(repository, response, signal)
  })
}

function patch(
  repository: Repository,
  location: URL,
  bytes: Uint8Array,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  return repository.transport.send({
    method: 'PATCH',
    target: location,
    scopes: repository.pushScopes,
    headers: {
      'content-type': 'application/octet-stream',
      'content-length': String(bytes.length),
      // The distribution specification's form, without the "bytes" of RFC 9110.
      'content-range': `${offset}-${offset + bytes.length - 1}`,
    },
    body: bytes,
    signal,
    headersTimeoutMs: Math.max(COMMIT_TIMEOUT_MS, repository.transport.deadlineMs),
  })
}

/** How many bytes the registry has: at least `offset`, where the failed piece began. */
async function uploadStatus(
  repository: Repository,
  location: URL,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<{ location: URL; received: number }> {
  const { transport, pushScopes } = repository
  const response = await transport.send({ method: 'GET', target: location, scopes: pushScopes, signal })
  if (response.status !== 204)
    throw sessionLost(await responseError(response, `upload to ${repository.name}`, { signal }))
  await discard(response)
  const last = /^(?:bytes=)?0-([0-9]+)$/.exec(header(response, 'range') ?? '')?.[1]
  // "0-0" is both "nothing" and "one byte": nothing is what registries mean.
  const received = last === undefined || last === '0' ? 0 : Number(last) + 1
  if (received < offset) throw sessionLost(undefined)
  return { location: await sessionLocation(repository, response, signal), received }
}

function sessionLost(cause: RegistryError | undefined): RegistryError {
  if (isNydusError(cause) && cause.retryable) return cause
  return new RegistryError('ERR_REGISTRY_UPLOAD_REJECTED', 'the registry lost the upload session', { cause })
}

async function* piecesOf(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = []
  let length = 0
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + size - length)
      parts.push(part)
      length += part.length
      at += part.length
      if (length < size) continue
      yield Buffer.concat(parts, length)
      parts = []
      length = 0
    }
  }
  if (length > 0) yield Buffer.concat(parts, length)
}
