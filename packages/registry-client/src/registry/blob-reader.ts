// SPDX-License-Identifier: Apache-2.0
/** Reads blobs: whole and verified, resumed where the connection broke, or ranges of exact length. */
import type { ByteRange } from '@nydus/base/binary'
import { type Digest, verifiedStream } from '@nydus/base/digest'
import { isNydusError } from '@nydus/base/error'
import { RegistryError } from '../errors.ts'
import type { CallOptions, OpenBlobOptions } from '../image-store.ts'
import { abandon, bodyStream, discard, type HttpResponse, header, wholeBody } from '../transport/http.ts'
import { responseError } from '../transport/response-error.ts'
import type { ContentIdentity } from '../types.ts'
import type { BlobRequester } from './blob-request.ts'
import type { Repository } from './repository.ts'

/** Resumptions of one stream that bring at least a byte; protects against servers that send one byte each. */
const MAX_RESUMES = 20

/** The blobs of one repository. */
export interface BlobReader {
  open(descriptor: ContentIdentity, options: OpenBlobOptions): AsyncIterable<Uint8Array>
  readRange(digest: Digest, range: ByteRange, options: CallOptions): Promise<Uint8Array>
  /** Undefined when the blob is not there, NaN when the registry does not tell. @param scopes token scopes to ask with. */
  size(
    digest: Digest,
    signal: AbortSignal | undefined,
    scopes?: readonly string[],
  ): Promise<number | undefined>
}

/** Makes the reader of one repository. */
export function createBlobReader(repository: Repository, requester: BlobRequester): BlobReader {
  const { transport } = repository

  async function* resumable(descriptor: ContentIdentity, from: number, signal: AbortSignal | undefined) {
    const { digest, size } = descriptor
    let offset = from
    for (let resumes = 0; ; resumes++) {
      const started = offset
      const response = await transport.retrying(signal, () => openStream(digest, offset, size, signal))
      try {
        for await (const bytes of bodyStream(response, signal)) {
          offset += bytes.length
          yield bytes
        }
        if (offset >= size) return
        throw shortBody(response, offset - started, size - started)
      } catch (error) {
        const worthIt = isNydusError(error) && error.retryable && offset > started && resumes < MAX_RESUMES
        if (!worthIt || offset > size) throw error
        // Everything came, only the end of the connection was not clean.
        if (offset === size) return
      }
    }
  }

  async function openStream(digest: Digest, offset: number, size: number, signal: AbortSignal | undefined) {
    const response = await requester.request('GET', digest, offset === 0 ? undefined : { offset }, signal)
    if (offset === 0 && response.status === 200) return response
    if (offset > 0 && response.status === 206) {
      checkContentRange(response, { offset, length: size - offset }, digest)
      return response
    }
    throw await blobError(repository, response, digest, signal)
  }

  async function readRangeOnce(
    digest: Digest,
    range: ByteRange,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const response = await requester.request('GET', digest, range, signal)
    if (response.status === 206) checkContentRange(response, range, digest)
    else if (!(response.status === 200 && isWholeBody(response, range))) {
      throw await blobError(repository, response, digest, signal)
    }
    return readExactly(response, range.length, signal)
  }

  return {
    open(descriptor, { offset = 0, signal }) {
      const what = `blob ${descriptor.digest}`
      if (offset === 0) return verifiedStream(resumable(descriptor, 0, signal), descriptor, what)
      if (!Number.isSafeInteger(offset) || offset < 0 || offset > descriptor.size)
        throw badRange(descriptor.digest, offset)
      return offset === descriptor.size ? nothing() : resumable(descriptor, offset, signal)
    },
    async readRange(digest, range, { signal }) {
      const { offset, length } = range
      const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0
      if (!valid || !Number.isSafeInteger(offset + length)) throw badRange(digest, offset)
      if (length === 0) return new Uint8Array()
      return transport.retrying(signal, () => readRangeOnce(digest, range, signal))
    },
    async size(digest, signal, scopes) {
      return transport.retrying(signal, async () => {
        const response = await requester.request('HEAD', digest, undefined, signal, scopes)
        if (response.status !== 200 && response.status !== 404)
          throw await blobError(repository, response, digest, signal)
        await discard(response)
        return response.status === 404 ? undefined : Number(header(response, 'content-length') ?? Number.NaN)
      })
    },
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Reads `length` bytes into one array. A body that is shorter or longer is an error: nothing is guessed. */
async function readExactly(
  response: HttpResponse,
  length: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  // The usual case, cheaper than the stream below: small ranges are what a mount lives on.
  if (header(response, 'content-length') === String(length)) {
    const whole = await wholeBody(response, signal)
    if (whole.length === length) return whole
    throw shortBody(response, whole.length, length)
  }
  const bytes = new Uint8Array(length)
  let filled = 0
  for await (const part of bodyStream(response, signal)) {
    if (part.length > length - filled) throw badBody(response, `more than ${length} bytes came`)
    bytes.set(part, filled)
    filled += part.length
  }
  if (filled !== length) throw shortBody(response, filled, length)
  return bytes
}

function checkContentRange(response: HttpResponse, range: ByteRange, digest: Digest): void {
  const text = header(response, 'content-range') ?? ''
  const found = /^bytes ([0-9]+)-([0-9]+)\/(?:[0-9]+|\*)$/.exec(text)
  const last = range.offset + range.length - 1
  if (found !== null && Number(found[1]) === range.offset && Number(found[2]) === last) return
  abandon(response)
  throw badBody(
    response,
    `blob ${digest}: asked for bytes ${range.offset}-${last}, the answer is "${text.slice(0, 80)}"`,
  )
}

/** A server without ranges sends everything; that is what was asked for when the range is the whole blob. */
function isWholeBody(response: HttpResponse, range: ByteRange): boolean {
  return range.offset === 0 && header(response, 'content-length') === String(range.length)
}

async function blobError(
  repository: Repository,
  response: HttpResponse,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<RegistryError> {
  const what = `blob ${digest} of ${repository.reference.repository}`
  if (response.status !== 200) return responseError(response, what, { signal })
  abandon(response)
  return new RegistryError(
    'ERR_REGISTRY_RANGE_UNSUPPORTED',
    `${what}: ${response.url.host} ignores the Range header`,
    {
      status: response.status,
      url: response.url.href,
      hint: 'lazy loading needs a registry (or proxy before it) that answers range requests',
    },
  )
}

function shortBody(response: HttpResponse, found: number, expected: number): RegistryError {
  return new RegistryError('ERR_REGISTRY_CONNECTION', `the body ended after ${found} of ${expected} bytes`, {
    url: response.url.href,
    retryable: true,
    details: { expected, found },
  })
}

function badBody(response: HttpResponse, message: string): RegistryError {
  return new RegistryError('ERR_REGISTRY_BAD_RESPONSE', message, {
    status: response.status,
    url: response.url.href,
  })
}

function badRange(digest: Digest, offset: number): RangeError {
  return new RangeError(`blob ${digest}: bad range at ${offset}`)
}
