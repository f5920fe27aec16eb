// SPDX-License-Identifier: Apache-2.0
/** What a test may do to a registry's content without a request. */
import { fileContent, memoryContent } from './content-store.ts'
import type { Repositories } from './repositories.ts'

/** Digest and size of something that was put. */
export interface Put {
  readonly digest: string
  readonly size: number
}

/** Reads and changes content behind the protocol's back. */
export interface DirectAccess {
  /** Puts a blob without a request. */
  putBlob(repository: string, bytes: Uint8Array): Put
  /** Puts a file as a blob; it stays where it is. */
  putBlobFile(repository: string, path: string): Promise<Put>
  /** Puts a manifest without a request and without looking at what it refers to. */
  putManifest(
    repository: string,
    tag: string | undefined,
    document: object | Uint8Array,
    mediaType: string,
  ): Put
  /** The bytes of a blob. @throws when there is none. */
  blob(digest: string): Buffer
  hasBlob(repository: string, digest: string): boolean
  /** A manifest's document and digest, by tag or digest; undefined when there is none. */
  manifest(
    repository: string,
    reference: string,
  ): { digest: string; mediaType: string; document: unknown } | undefined
  tags(repository: string): readonly string[]
  /** Repositories that hold anything, sorted. */
  repositories(): readonly string[]
  /** Flips one bit of a stored blob. The registry keeps serving it under the old digest. */
  corruptBlob(digest: string, offset: number): void
  deleteBlob(digest: string): void
  deleteTag(repository: string, tag: string): void
}

/** Access to what `repositories` holds. */
export function directAccess(repositories: Repositories): DirectAccess {
  const required = (digest: string) => {
    const content = repositories.blobs.get(digest)
    if (content === undefined) throw new Error(`the registry has no blob ${digest}`)
    return content
  }
  return {
    putBlob(repository, bytes) {
      const content = memoryContent(bytes)
      repositories.linkBlob(repository, content)
      return { digest: content.digest, size: content.size }
    },
    async putBlobFile(repository, path) {
      const content = await fileContent(path)
      repositories.linkBlob(repository, content)
      return { digest: content.digest, size: content.size }
    },
    putManifest(repository, tag, document, mediaType) {
      const content = memoryContent(
        document instanceof Uint8Array ? document : Buffer.from(JSON.stringify(document)),
      )
      const { manifests, tags } = repositories.repository(repository)
      manifests.set(content.digest, { content, mediaType })
      if (tag !== undefined) tags.set(tag, content.digest)
      return { digest: content.digest, size: content.size }
    },
    blob(digest) {
      const content = required(digest)
      return Buffer.concat([...content.read(0, content.size)])
    },
    hasBlob: (repository, digest) => repositories.blob(repository, digest) !== undefined,
    manifest(repository, reference) {
      const found = repositories.manifest(repository, reference)
      if (found === undefined) return undefined
      const bytes = Buffer.concat([...found.content.read(0, found.content.size)])
      return {
        digest: found.content.digest,
        mediaType: found.mediaType,
        document: JSON.parse(bytes.toString()),
      }
    },
    tags: (repository) => [...(repositories.find(repository)?.tags.keys() ?? [])].sort(),
    repositories: () => repositories.names(),
    corruptBlob: (digest, offset) => required(digest).flipBit(offset),
    deleteBlob(digest) {
      repositories.blobs.delete(digest)
    },
    deleteTag(repository, tag) {
      repositories.find(repository)?.tags.delete(tag)
    },
  }
}
