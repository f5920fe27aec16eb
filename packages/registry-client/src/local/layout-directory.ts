// SPDX-License-Identifier: Apache-2.0
/**
 * OCI layout directories. Every file appears whole by rename; `index.json` is last, so a reader never sees half an image.
 * A layout that was made here and got no image is removed at `close`.
 */
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256Digest, verifiedStream } from '@nydus/base/digest'
import { RegistryError } from '../errors.ts'
import type { BlobContent, ImageStore, PutBlobOptions, PutManifestOptions } from '../image-store.ts'
import { parseDocument } from '../parse-document.ts'
import type { ContentIdentity, Descriptor } from '../types.ts'
import { checkComplete } from './check-complete.ts'
import { contentStream } from './content-stream.ts'
import { openFile, readExactly, writeError, writeWhole } from './file-io.ts'
import { type EntryName, LAYOUT_VERSION_FILE, withEntry } from './layout-index.ts'
import { blobName, createLayoutReader, readIndex } from './layout-reader.ts'
import { makeDirectories, removeDirectories } from './make-directories.ts'
import type { MemberFiles } from './member.ts'
import { createQueue } from './queue.ts'

/** Opens a layout directory. It is created by the first write. @param place as a person writes it, e.g. `oci:images:v1`. */
export function openLayoutDirectory(directory: string, wanted: EntryName, place: string): ImageStore {
  const files = directoryFiles(directory)
  const reader = createLayoutReader(() => files, wanted, place)
  const queue = createQueue()
  const written: string[] = []
  let prepared: Promise<Prepared> | undefined

  function prepare(): Promise<Prepared> {
    prepared ??= prepareDirectory(directory).catch((error) => {
      prepared = undefined
      throw error
    })
    return prepared
  }

  async function putBlob(
    descriptor: ContentIdentity,
    content: BlobContent,
    options: PutBlobOptions = {},
  ): Promise<void> {
    if (await reader.hasBlob(descriptor, options.signal)) return
    await prepare()
    const verified = verifiedStream(
      contentStream(content, options),
      descriptor,
      `${place}: blob ${descriptor.digest}`,
    )
    const path = join(directory, blobName(descriptor.digest))
    await writeWhole(path, verified, directory)
    written.push(path)
  }

  async function putManifest(
    bytes: Uint8Array,
    mediaType: string,
    options: PutManifestOptions = {},
  ): Promise<Descriptor> {
    const digest = sha256Digest(bytes)
    const descriptor = { mediaType, digest, size: bytes.length }
    const { document } = parseDocument(bytes, mediaType, `${place}: manifest ${digest}`)
    await checkComplete(document, (content) => reader.hasBlob(content, options.signal), place)
    await putBlob(descriptor, bytes, { signal: options.signal })
    const { tag } = options
    if (tag === undefined) return descriptor
    const name = tag === 'from-reference' ? entryTag(wanted, descriptor, place) : tag
    await queue(async () => {
      const known = await openFile(join(directory, 'index.json'))
      await known?.handle.close()
      const index = withEntry(known && (await readIndex(files, place)), descriptor, name)
      await writeWhole(join(directory, 'index.json'), [Buffer.from(JSON.stringify(index))])
    })
    return descriptor
  }

  /** Nobody else can rely on blobs of a layout that never had an index. */
  async function removeFailed(): Promise<void> {
    const made = await prepared?.catch(() => undefined)
    prepared = undefined
    if (made === undefined) return
    const hasIndex = (await stat(join(directory, 'index.json')).catch(() => undefined)) !== undefined
    if (made.isNew && !hasIndex) {
      await Promise.all([...written, join(directory, VERSION_FILE)].map((path) => rm(path, { force: true })))
    }
    removeDirectories(made.directories)
  }

  return {
    kind: 'oci-layout',
    reference: place,
    ...reader,
    mountBlob: async () => false,
    putBlob,
    putManifest,
    close: removeFailed,
  }
}

/** The tag that `from-reference` means for a layout; undefined makes the unnamed entry. */
export function entryTag(wanted: EntryName, descriptor: Descriptor, place: string): string | undefined {
  if (wanted.digest === undefined || wanted.digest === descriptor.digest) return wanted.name
  throw new RegistryError('ERR_REFERENCE_INVALID', `${place} names a digest, a new manifest needs a tag`, {
    details: { expected: wanted.digest, found: descriptor.digest },
  })
}

const VERSION_FILE = 'oci-layout'

/** What `prepareDirectory` had to make. */
interface Prepared {
  /** There was no layout before. */
  readonly isNew: boolean
  /** Outermost first. */
  readonly directories: readonly string[]
}

async function prepareDirectory(directory: string): Promise<Prepared> {
  const directories = makeLayoutDirectories(directory)
  try {
    const version = join(directory, VERSION_FILE)
    const known = await openFile(version)
    await known?.handle.close()
    if (known === undefined) await writeWhole(version, [Buffer.from(LAYOUT_VERSION_FILE)])
    return { isNew: known === undefined, directories }
  } catch (error) {
    removeDirectories(directories)
    throw error
  }
}

function makeLayoutDirectories(directory: string): readonly string[] {
  try {
    return makeDirectories(join(directory, 'blobs', 'sha256'))
  } catch (error) {
    throw writeError(directory, error)
  }
}

function directoryFiles(directory: string): MemberFiles {
  return {
    async open(name) {
      const path = join(directory, name)
      const file = await openFile(path)
      if (file === undefined) return undefined
      return {
        size: file.size,
        read: (offset, length) => readExactly(file.handle, path, offset, length),
        close: () => file.handle.close(),
      }
    },
    exists: () =>
      stat(directory).then(
        () => true,
        () => false,
      ),
    close: async () => {},
  }
}
