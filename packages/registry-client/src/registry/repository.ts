// SPDX-License-Identifier: Apache-2.0
/** One repository of one registry: addresses and token scopes. */
import type { Digest } from '@nydus/base/digest'
import type { Reference } from '../reference.ts'
import type { Transport } from '../transport/transport.ts'

/** What the parts of the registry store share. */
export interface Repository {
  readonly transport: Transport
  readonly reference: Reference
  /** Printable, e.g. `docker.io/library/alpine:latest`. */
  readonly name: string
  readonly pullScopes: readonly string[]
  readonly pushScopes: readonly string[]
}

/** Joins a transport and a reference. */
export function createRepository(transport: Transport, reference: Reference, name: string): Repository {
  return {
    transport,
    reference,
    name,
    pullScopes: [pullScope(reference.repository)],
    pushScopes: [`repository:${reference.repository}:pull,push`],
  }
}

/** The scope of reading `repository`. */
export function pullScope(repository: string): string {
  return `repository:${repository}:pull`
}

/** `v2/<repository>/manifests/<tag or digest>`. */
export function manifestPath(repository: Repository, tagOrDigest: string): string {
  return `v2/${repository.reference.repository}/manifests/${tagOrDigest}`
}

/** `v2/<repository>/blobs/<digest>`. */
export function blobPath(repository: Repository, digest: Digest): string {
  return `v2/${repository.reference.repository}/blobs/${digest}`
}

/** `v2/<repository>/blobs/uploads/`. */
export function uploadsPath(repository: Repository): string {
  return `v2/${repository.reference.repository}/blobs/uploads/`
}
