// SPDX-License-Identifier: Apache-2.0
/** `index.json` of an OCI layout: which entry a name means. https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md */
import type { Digest } from '@nydus/base/digest'
import { RegistryError } from '../errors.ts'
import { MEDIA_TYPE_OCI_INDEX } from '../media-types.ts'
import { formatReference, parseReference } from '../reference.ts'
import type { Descriptor, Index } from '../types.ts'

/** Name of an entry: a tag, or a full reference. */
export const ANNOTATION_REF_NAME = 'org.opencontainers.image.ref.name'
/** Full reference, as containerd and docker write it beside the tag. */
export const ANNOTATION_CONTAINERD_NAME = 'io.containerd.image.name'

/** Content of the file `oci-layout`. */
export const LAYOUT_VERSION_FILE = '{"imageLayoutVersion":"1.0.0"}'

/** Which image of a layout is meant: at most one of both. */
export interface EntryName {
  /** A tag, or a reference. */
  readonly name?: string
  readonly digest?: Digest
}

/** The entry that `wanted` means; without a name the only entry, or the only one that has no name. */
export function selectEntry(index: Index, wanted: EntryName, place: string): Descriptor {
  const { name, digest } = wanted
  if (digest !== undefined) {
    const found = index.manifests.find((entry) => entry.digest === digest)
    if (found !== undefined) return found
  } else if (name !== undefined) {
    const found = findByName(index.manifests, name)
    if (found !== undefined) return found
  } else {
    const unnamed = index.manifests.filter((entry) => entryNames(entry).length === 0)
    const [first] = index.manifests.length === 1 ? index.manifests : unnamed
    if (first !== undefined && (index.manifests.length === 1 || unnamed.length === 1)) return first
  }
  throw noEntry(index, wanted, place)
}

/** The index with `descriptor` under `tag` (undefined: as the unnamed entry); what had that place before is gone. */
export function withEntry(index: Index | undefined, descriptor: Descriptor, tag: string | undefined): Index {
  const others = (index?.manifests ?? []).filter((entry) => {
    const names = entryNames(entry)
    return tag === undefined ? names.length > 0 : !names.includes(tag)
  })
  const { mediaType, digest, size } = descriptor
  const entry: Descriptor = {
    mediaType,
    digest,
    size,
    ...(tag === undefined ? {} : { annotations: { [ANNOTATION_REF_NAME]: tag } }),
  }
  return { ...index, schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_INDEX, manifests: [...others, entry] }
}

/** The names of an entry. */
export function entryNames(entry: Descriptor): string[] {
  const names = [entry.annotations?.[ANNOTATION_REF_NAME], entry.annotations?.[ANNOTATION_CONTAINERD_NAME]]
  return names.filter((name) => name !== undefined)
}

function findByName(entries: readonly Descriptor[], name: string): Descriptor | undefined {
  const full = normalized(name)
  return (
    entries.find((entry) => entryNames(entry).includes(name)) ??
    entries.find((entry) =>
      entryNames(entry).some((known) => full !== undefined && normalized(known) === full),
    ) ??
    // A tag finds entries that carry the full reference.
    entries.find((entry) => entryNames(entry).some((known) => known.endsWith(`:${name}`)))
  )
}

/** A reference in its full form, or undefined for a text that is none. */
export function normalized(name: string): string | undefined {
  try {
    return formatReference(parseReference(name))
  } catch {
    return undefined
  }
}

function noEntry(index: Index, wanted: EntryName, place: string): RegistryError {
  const asked = wanted.digest ?? wanted.name
  const known = [...new Set(index.manifests.flatMap(entryNames))]
  const message =
    asked === undefined
      ? `${place} holds ${index.manifests.length} images`
      : `${place} holds no image "${asked}"`
  const listed = known.length > 0 ? `it holds ${known.slice(0, 20).join(', ')}` : undefined
  const hint = asked === undefined && listed !== undefined ? `name one after a colon: ${listed}` : listed
  return new RegistryError('ERR_REGISTRY_NOT_FOUND', message, {
    details: { place, asked, known: known.slice(0, 100) },
    ...(hint === undefined ? {} : { hint }),
  })
}
