// SPDX-License-Identifier: Apache-2.0
/**
 * OCI archives: a layout in one tar file. Writing makes a new archive, which replaces the old one at `close`;
 * until then the old one is untouched, and after a failure it stays.
 */
import { sha256Digest, verifiedStream } from '@nydus/base/digest'
import { RegistryError } from '../errors.ts'
import type { BlobContent, ImageStore, PutBlobOptions, PutManifestOptions } from '../image-store.ts'
import { checkComplete, requiredContent } from '../local/check-complete.ts'
import { contentStream } from '../local/content-stream.ts'
import { entryTag } from '../local/layout-directory.ts'
import { type EntryName, withEntry } from '../local/layout-index.ts'
import { blobName, createLayoutReader } from '../local/layout-reader.ts'
import { type MemberFiles, memberStream, memoryMember } from '../local/member.ts'
import { createQueue } from '../local/queue.ts'
import { parseDocument } from '../parse-document.ts'
import type { ContentIdentity, Descriptor, Index } from '../types.ts'
import { openArchiveFiles } from './archive-files.ts'
import { type ArchiveWriter, createArchiveWriter } from './archive-writer.ts'

/** Opens an archive for reading, or for writing a new one under its name. */
export function openOciArchive(path: string, wanted: EntryName, place: string): ImageStore {
  const queue = createQueue()
  let stored: Promise<MemberFiles | undefined> | undefined
  let writer: ArchiveWriter | undefined
  let index: Index | undefined
  let closed = false

  function oldFiles(): Promise<MemberFiles | undefined> {
    stored ??= openArchiveFiles(path).catch((error) => {
      stored = undefined
      throw error
    })
    return stored
  }

  /** The archive that is being written, with its index; else the one on disk; else nothing at all. */
  async function files(): Promise<MemberFiles> {
    if (writer === undefined) return (await oldFiles()) ?? NO_FILES
    const { files: written } = writer
    const found = Buffer.from(JSON.stringify(index ?? EMPTY_INDEX))
    return {
      open: async (name) => (name === 'index.json' ? memoryMember(found) : written.open(name)),
      close: async () => {},
    }
  }
  const reader = createLayoutReader(files, wanted, place)

  async function ensureWriter(): Promise<ArchiveWriter> {
    if (closed) throw new RegistryError('ERR_BUILD_IO', `${place} is closed`)
    writer ??= await createArchiveWriter(path)
    return writer
  }

  async function append(descriptor: ContentIdentity, content: AsyncIterable<Uint8Array>): Promise<void> {
    const target = await ensureWriter()
    const verified = verifiedStream(content, descriptor, `${place}: blob ${descriptor.digest}`)
    await target.append(blobName(descriptor.digest), descriptor.size, verified)
  }

  function putBlob(
    descriptor: ContentIdentity,
    content: BlobContent,
    options: PutBlobOptions = {},
  ): Promise<void> {
    return queue(async () => {
      if (writer !== undefined && (await reader.hasBlob(descriptor, options.signal))) return
      await append(descriptor, contentStream(content, options))
    })
  }

  /** A caller that skipped what the old archive had relies on it: such blobs move to the new one. */
  async function keepOldBlobs(
    needed: readonly ContentIdentity[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (const descriptor of needed) {
      if (writer !== undefined && (await reader.hasBlob(descriptor, signal))) continue
      const member = await (await oldFiles().catch(() => undefined))?.open(blobName(descriptor.digest))
      if (member?.size === descriptor.size) await append(descriptor, memberStream(member, 0, signal))
    }
  }

  async function putManifest(
    bytes: Uint8Array,
    mediaType: string,
    options: PutManifestOptions = {},
  ): Promise<Descriptor> {
    const { signal, tag } = options
    const digest = sha256Digest(bytes)
    const descriptor = { mediaType, digest, size: bytes.length }
    const { document } = parseDocument(bytes, mediaType, `${place}: manifest ${digest}`)
    await queue(async () => {
      await ensureWriter()
      await keepOldBlobs(requiredContent(document), signal)
      await checkComplete(document, (content) => reader.hasBlob(content, signal), place)
    })
    await putBlob(descriptor, bytes, { signal })
    if (tag === undefined) return descriptor
    index = withEntry(index, descriptor, tag === 'from-reference' ? entryTag(wanted, descriptor, place) : tag)
    return descriptor
  }

  return {
    kind: 'oci-archive',
    reference: place,
    ...reader,
    mountBlob: async () => false,
    putBlob,
    putManifest,
    close: () =>
      queue(async () => {
        if (closed) return
        closed = true
        const old = await stored?.catch(() => undefined)
        await old?.close()
        if (index === undefined) await writer?.abandon()
        else await writer?.finish(Buffer.from(JSON.stringify(index)))
      }),
  }
}

const EMPTY_INDEX: Index = { schemaVersion: 2, manifests: [] }
const NO_FILES: MemberFiles = {
  open: async () => undefined,
  exists: async () => false,
  close: async () => {},
}
