// SPDX-License-Identifier: Apache-2.0
/** The reading half of an image store over the members of an OCI layout, wherever they are. */
import { checkRange } from '@nydus/base/binary'
import { type Digest, digestHex, parseDigest, sha256Digest, verifiedStream } from '@nydus/base/digest'
import { DigestError } from '@nydus/base/error'
import { RegistryError } from '../errors.ts'
import type { ImageStore } from '../image-store.ts'
import { MAX_MANIFEST_BYTES, parseDocument } from '../parse-document.ts'
import { type Index, isIndex } from '../types.ts'
import { type EntryName, selectEntry } from './layout-index.ts'
import { type Member, type MemberFiles, memberStream, readMember } from './member.ts'

/** The methods of an image store that read. */
export type LayoutReader = Pick<
  ImageStore,
  'resolve' | 'manifest' | 'openBlob' | 'readBlobRange' | 'hasBlob' | 'blobSize'
>

/**
 * Reads from a layout. @param files asked before each call, so that a store may change what it reads from.
 * @param place the layout as a person writes it.
 */
export function createLayoutReader(
  files: () => MemberFiles | Promise<MemberFiles>,
  wanted: EntryName,
  place: string,
): LayoutReader {
  async function openMember(digest: Digest): Promise<Member> {
    const member = await (await files()).open(blobName(digest))
    if (member !== undefined) return member
    throw new RegistryError('ERR_REGISTRY_NOT_FOUND', `${place}: no blob ${digest}`, {
      details: { place, digest },
    })
  }

  return {
    async resolve(signal) {
      signal?.throwIfAborted()
      return selectEntry(await readIndex(await files(), place), wanted, place)
    },
    async manifest(descriptor, signal) {
      signal?.throwIfAborted()
      const { digest, size } = descriptor
      const bytes = await readMember(await files(), blobName(digest), MAX_MANIFEST_BYTES)
      if (bytes === undefined)
        throw new RegistryError('ERR_REGISTRY_NOT_FOUND', `${place}: no manifest ${digest}`)
      const what = `${place}: manifest ${digest}`
      if (bytes.length !== size) throw wrongSize(what, size, bytes.length)
      const found = sha256Digest(bytes)
      if (found === digest) return { bytes, ...parseDocument(bytes, descriptor.mediaType, what) }
      throw new DigestError('ERR_DIGEST_MISMATCH', `${what}: digest is ${found}`, {
        details: { expected: digest, found },
      })
    },
    async *openBlob(descriptor, { offset = 0, signal } = {}) {
      signal?.throwIfAborted()
      const { digest, size } = descriptor
      const member = await openMember(digest)
      const what = `${place}: blob ${digest}`
      if (member.size !== size || offset > size) {
        await member.close()
        checkRange(offset, 0, size, what)
        throw wrongSize(what, size, member.size)
      }
      const stream = memberStream(member, offset, signal)
      yield* offset === 0 ? verifiedStream(stream, descriptor, what) : stream
    },
    async readBlobRange(digest, range, { signal } = {}) {
      signal?.throwIfAborted()
      const member = await openMember(digest)
      try {
        checkRange(range.offset, range.length, member.size, `${place}: blob ${digest}`)
        return await member.read(range.offset, range.length)
      } finally {
        await member.close()
      }
    },
    async hasBlob(descriptor, signal) {
      signal?.throwIfAborted()
      const member = await (await files()).open(blobName(descriptor.digest))
      await member?.close()
      return member?.size === descriptor.size
    },
    async blobSize(digest, signal) {
      signal?.throwIfAborted()
      const member = await openMember(digest)
      await member.close()
      return member.size
    },
  }
}

/**
 * Reads and checks `index.json`.
 * @throws {RegistryError} ERR_IMAGE_NOT_AN_IMAGE when there is none, ERR_REGISTRY_NOT_FOUND when there is no layout either.
 */
export async function readIndex(files: MemberFiles, place: string): Promise<Index> {
  const bytes = await readMember(files, 'index.json', MAX_MANIFEST_BYTES)
  if (bytes === undefined) {
    if ((await files.exists?.()) === false) {
      throw new RegistryError('ERR_REGISTRY_NOT_FOUND', `${place} does not exist`, { details: { place } })
    }
    throw new RegistryError('ERR_IMAGE_NOT_AN_IMAGE', `${place} is not an OCI layout: it has no index.json`, {
      details: { place },
    })
  }
  const { document } = parseDocument(bytes, undefined, `${place}: index.json`)
  if (isIndex(document)) return document
  throw new RegistryError(
    'ERR_IMAGE_NOT_AN_IMAGE',
    `${place} is not an OCI layout: its index.json is a manifest`,
  )
}

/** Member name of a blob. The digest is checked: it becomes part of a path. */
export function blobName(digest: Digest): string {
  return `blobs/sha256/${digestHex(parseDigest(digest))}`
}

function wrongSize(what: string, expected: number, found: number): DigestError {
  return new DigestError('ERR_SIZE_MISMATCH', `${what}: ${found} bytes, expected ${expected}`, {
    details: { what, expected, found },
  })
}
