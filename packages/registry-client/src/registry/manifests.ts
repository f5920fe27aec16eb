// SPDX-License-Identifier: Apache-2.0
/** Manifests and indexes of a repository: resolve, read with digest check, write. */
import { type Digest, isDigest, sha256Digest } from '@nydus/base/digest'
import { DigestError, isNydusError } from '@nydus/base/error'
import { loginHint, RegistryError } from '../errors.ts'
import type { PutManifestOptions, StoredManifest } from '../image-store.ts'
import { MANIFEST_MEDIA_TYPES } from '../media-types.ts'
import { MAX_MANIFEST_BYTES, parseDocument } from '../parse-document.ts'
import { isTag } from '../reference.ts'
import { withDeadline } from '../transport/deadline.ts'
import { discard, type HttpResponse, header, readBody } from '../transport/http.ts'
import { responseError } from '../transport/response-error.ts'
import type { ContentIdentity, Descriptor } from '../types.ts'
import { manifestPath, type Repository } from './repository.ts'

/** A manifest is small: its whole transfer gets this many times the deadline for progress. */
const TOTAL_DEADLINES = 4

/** The descriptor that the reference names, by HEAD, or by GET where HEAD does not tell. */
export async function resolveReference(
  repository: Repository,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const { reference, transport } = repository
  const name = reference.digest ?? reference.tag ?? 'latest'
  return transport.retrying(signal, async () => {
    const head = await requestManifest(repository, 'HEAD', name, signal)
    if (head.status === 200) {
      await discard(head)
      const descriptor = headDescriptor(head, reference.digest)
      if (descriptor !== undefined) return descriptor
    } else if (head.status !== 404 && head.status !== 405 && head.status !== 400) {
      throw await manifestError(repository, head, name, signal)
    } else await discard(head)
    const { bytes, mediaType } = await getManifest(repository, name, reference.digest, signal)
    return { mediaType, digest: sha256Digest(bytes), size: bytes.length }
  })
}

/** Reads a manifest by digest. A wrong digest is asked for once more, then it is the registry's fault. */
export async function readManifest(
  repository: Repository,
  descriptor: ContentIdentity & { readonly mediaType?: string },
  signal: AbortSignal | undefined,
): Promise<StoredManifest> {
  const { digest, size } = descriptor
  const read = (): Promise<{ bytes: Uint8Array; mediaType: string }> =>
    repository.transport.retrying(signal, () => getManifest(repository, digest, digest, signal))
  const found = await read().catch((error) => {
    if (isNydusError(error, 'ERR_DIGEST_MISMATCH')) return read()
    throw error
  })
  if (found.bytes.length !== size) {
    throw new DigestError(
      'ERR_SIZE_MISMATCH',
      `manifest ${digest}: ${found.bytes.length} bytes, expected ${size}`,
      {
        details: { digest, expected: size, found: found.bytes.length },
      },
    )
  }
  return {
    bytes: found.bytes,
    ...parseDocument(found.bytes, descriptor.mediaType ?? found.mediaType, `manifest ${digest}`),
  }
}

/** Stores a manifest under a tag, or by its digest only. */
export async function writeManifest(
  repository: Repository,
  bytes: Uint8Array,
  mediaType: string,
  options: PutManifestOptions,
): Promise<Descriptor> {
  const digest = sha256Digest(bytes)
  const name = targetName(repository, digest, options.tag)
  const { transport, pushScopes } = repository
  return transport.retrying(options.signal, async () => {
    const response = await transport.send({
      method: 'PUT',
      target: manifestPath(repository, name),
      scopes: pushScopes,
      headers: { 'content-type': mediaType },
      body: bytes,
      signal: options.signal,
    })
    if (response.status < 200 || response.status > 299) {
      throw await responseError(
        response,
        `write manifest ${repository.reference.repository}:${name}`,
        options,
      )
    }
    await discard(response)
    checkStatedDigest(response, digest)
    return { mediaType, digest, size: bytes.length }
  })
}

function targetName(repository: Repository, digest: Digest, tag: string | undefined): string {
  const { reference } = repository
  if (tag === undefined) return digest
  if (tag === 'from-reference') {
    if (reference.tag !== undefined) return reference.tag
    if (reference.digest === digest) return digest
    throw new RegistryError(
      'ERR_REFERENCE_INVALID',
      `${repository.name} names a digest, a new manifest needs a tag`,
      {
        details: { expected: reference.digest, found: digest },
      },
    )
  }
  if (isTag(tag)) return tag
  throw new RegistryError('ERR_REFERENCE_INVALID', `bad tag "${tag.slice(0, 150)}"`)
}

function requestManifest(
  repository: Repository,
  method: 'GET' | 'HEAD',
  name: string,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  return repository.transport.send({
    method,
    target: manifestPath(repository, name),
    scopes: repository.pullScopes,
    headers: { accept: MANIFEST_MEDIA_TYPES.join(', ') },
    signal,
  })
}

async function getManifest(
  repository: Repository,
  name: string,
  digest: Digest | undefined,
  signal: AbortSignal | undefined,
): Promise<{ bytes: Uint8Array; mediaType: string }> {
  const { deadlineMs } = repository.transport
  return withDeadline(deadlineMs * TOTAL_DEADLINES, signal, `manifest ${name}`, async (inner) => {
    const response = await requestManifest(repository, 'GET', name, inner)
    if (response.status !== 200) throw await manifestError(repository, response, name, inner)
    const bytes = await readBody(response, MAX_MANIFEST_BYTES, inner)
    if (bytes === undefined) throw tooLarge(name)
    const found = sha256Digest(bytes)
    if (digest !== undefined && found !== digest) throw wrongDigest(repository, digest, found)
    // Parsed for its media type when the server does not state one.
    const mediaType = parseDocument(bytes, header(response, 'content-type'), `manifest ${name}`).mediaType
    return { bytes, mediaType }
  })
}

function headDescriptor(response: HttpResponse, expected: Digest | undefined): Descriptor | undefined {
  const digest = header(response, 'docker-content-digest')
  const mediaType = header(response, 'content-type')?.split(';', 1)[0]?.trim()
  const size = Number(header(response, 'content-length') ?? Number.NaN)
  if (!isDigest(digest) || !mediaType || !Number.isSafeInteger(size) || size <= 0) return undefined
  if (expected !== undefined && digest !== expected) return undefined
  return { mediaType, digest, size }
}

function checkStatedDigest(response: HttpResponse, digest: Digest): void {
  const stated = header(response, 'docker-content-digest')
  if (stated === undefined || stated === digest) return
  throw new RegistryError(
    'ERR_REGISTRY_BAD_RESPONSE',
    `the registry stored ${stated.slice(0, 100)}, sent was ${digest}`,
    {
      status: response.status,
      url: response.url.href,
    },
  )
}

async function manifestError(
  repository: Repository,
  response: HttpResponse,
  name: string,
  signal: AbortSignal | undefined,
): Promise<RegistryError> {
  const { registry, repository: path } = repository.reference
  const hints: Readonly<Record<number, string>> = {
    401: `${loginHint(registry)}, or check that ${path} exists`,
    404: 'check the name and the tag; some registries hide private images from those who are not logged in',
  }
  const hint = hints[response.status]
  const what = name.includes(':') ? `${path}@${name}` : `${path}:${name}`
  return responseError(response, what, { hint, signal })
}

function tooLarge(name: string): RegistryError {
  return new RegistryError(
    'ERR_REGISTRY_BAD_RESPONSE',
    `manifest ${name} has more than ${MAX_MANIFEST_BYTES} bytes`,
    {
      details: { limit: MAX_MANIFEST_BYTES },
    },
  )
}

function wrongDigest(repository: Repository, expected: Digest, found: Digest): DigestError {
  return new DigestError(
    'ERR_DIGEST_MISMATCH',
    `manifest of ${repository.name}: digest is ${found}, expected ${expected}`,
    {
      details: { expected, found },
    },
  )
}
