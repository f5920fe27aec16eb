// SPDX-License-Identifier: Apache-2.0
/** What a registry holds: blobs once for all, and a repository's links to blobs, its manifests and its tags. */
import type { Content, Upload } from './content-store.ts'

/** A manifest as it was pushed. */
export interface StoredManifest {
  readonly content: Content
  readonly mediaType: string
}

/** One repository. */
export interface Repository {
  readonly blobs: Set<string>
  readonly manifests: Map<string, StoredManifest>
  /** Tag → digest. */
  readonly tags: Map<string, string>
}

/** An upload that was started and not ended. `state` changes with every request: clients must follow `Location`. */
export interface OpenUpload {
  readonly repository: string
  readonly upload: Upload
  state: number
}

/** The whole content of a registry. */
export interface Repositories {
  readonly blobs: Map<string, Content>
  readonly uploads: Map<string, OpenUpload>
  /** The repository, made if it is not there. */
  repository(name: string): Repository
  find(name: string): Repository | undefined
  /** The names, sorted. */
  names(): readonly string[]
  linkBlob(name: string, content: Content): void
  /** The blob if the repository may see it. */
  blob(name: string, digest: string): Content | undefined
  /** By tag or digest. */
  manifest(name: string, reference: string): StoredManifest | undefined
}

/** An empty registry. */
export function createRepositories(): Repositories {
  const repositories = new Map<string, Repository>()
  const blobs = new Map<string, Content>()
  const repository = (name: string): Repository => {
    const known = repositories.get(name)
    if (known !== undefined) return known
    const made: Repository = { blobs: new Set(), manifests: new Map(), tags: new Map() }
    repositories.set(name, made)
    return made
  }
  return {
    blobs,
    uploads: new Map(),
    repository,
    find: (name) => repositories.get(name),
    names: () => [...repositories.keys()].sort(),
    linkBlob(name, content) {
      if (!blobs.has(content.digest)) blobs.set(content.digest, content)
      repository(name).blobs.add(content.digest)
    },
    blob: (name, digest) => (repositories.get(name)?.blobs.has(digest) ? blobs.get(digest) : undefined),
    manifest(name, reference) {
      const found = repositories.get(name)
      return found?.manifests.get(found.tags.get(reference) ?? reference)
    },
  }
}
