// SPDX-License-Identifier: Apache-2.0
/** Checks that bytes from outside are a manifest or an index before anything uses them. */
import { isDigest } from '@nydus/base/digest'
import { FormatError } from '@nydus/base/error'
import { RegistryError } from './errors.ts'
import {
  isIndexMediaType,
  isManifestMediaType,
  MEDIA_TYPE_OCI_INDEX,
  MEDIA_TYPE_OCI_MANIFEST,
} from './media-types.ts'
import type { Index, Manifest } from './types.ts'

/** The cap that registries put on manifests. */
export const MAX_MANIFEST_BYTES = 4 << 20
/** A manifest within the cap may still list absurdly many entries. */
const MAX_ENTRIES = 10_000

/** What `parseDocument` gives. */
export interface ParsedDocument {
  readonly mediaType: string
  readonly document: Manifest | Index
}

/**
 * Parses a manifest or an index. Members that are not known stay in the object.
 * @param statedType media type of the response header or of the descriptor; the document's own member must agree with it.
 * @throws {FormatError} ERR_FORMAT_CORRUPT. @throws {RegistryError} ERR_IMAGE_NOT_AN_IMAGE for other kinds of documents.
 */
export function parseDocument(
  bytes: Uint8Array,
  statedType: string | undefined,
  what: string,
): ParsedDocument {
  const json = parseJsonObject(bytes, what)
  if (json.schemaVersion === 1)
    throw notAnImage(what, 'docker schema 1', 'push the image again with a current docker')
  if (json.schemaVersion !== 2) throw corrupt(what, 'schemaVersion', json.schemaVersion)
  const own = json.mediaType
  if (own !== undefined && typeof own !== 'string') throw corrupt(what, 'mediaType', own)
  const mediaType =
    own ?? documentType(statedType) ?? ('manifests' in json ? MEDIA_TYPE_OCI_INDEX : MEDIA_TYPE_OCI_MANIFEST)
  if (isIndexMediaType(mediaType)) return { mediaType, document: checkIndex(json, what) }
  if (isManifestMediaType(mediaType)) return { mediaType, document: checkManifest(json, what) }
  throw notAnImage(what, mediaType)
}

/** Parses a JSON object. @throws {FormatError} ERR_FORMAT_CORRUPT */
export function parseJsonObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new FormatError('ERR_FORMAT_CORRUPT', `${what}: not JSON`, { cause, details: { what } })
  }
  if (!isObject(value))
    throw new FormatError('ERR_FORMAT_CORRUPT', `${what}: not a JSON object`, { details: { what } })
  return value
}

/** Tells whether `value` is a plain object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function documentType(stated: string | undefined): string | undefined {
  const type = stated?.split(';', 1)[0]?.trim()
  return type !== undefined && (isIndexMediaType(type) || isManifestMediaType(type)) ? type : undefined
}

// A document with both members means different images to different readers, so it is refused.
function checkIndex(json: Record<string, unknown>, what: string): Index {
  if ('layers' in json || 'config' in json) throw corrupt(what, 'layers in an index', '')
  checkDescriptors(json.manifests, `${what}: manifests`)
  checkAnnotations(json.annotations, what)
  if (json.subject !== undefined) checkDescriptor(json.subject, `${what}: subject`)
  return json as unknown as Index
}

function checkManifest(json: Record<string, unknown>, what: string): Manifest {
  if ('manifests' in json) throw corrupt(what, 'manifests in a manifest', '')
  checkDescriptor(json.config, `${what}: config`)
  checkDescriptors(json.layers, `${what}: layers`)
  checkAnnotations(json.annotations, what)
  if (json.subject !== undefined) checkDescriptor(json.subject, `${what}: subject`)
  return json as unknown as Manifest
}

function checkDescriptors(value: unknown, what: string): void {
  if (!Array.isArray(value) || value.length > MAX_ENTRIES) throw corrupt(what, 'list', typeof value)
  value.forEach((entry, position) => void checkDescriptor(entry, `${what}[${position}]`))
}

function checkDescriptor(value: unknown, what: string): void {
  if (!isObject(value)) throw corrupt(what, 'descriptor', value)
  if (typeof value.mediaType !== 'string') throw corrupt(what, 'mediaType', value.mediaType)
  if (!isDigest(value.digest)) throw corrupt(what, 'digest', value.digest)
  const size = value.size
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw corrupt(what, 'size', size)
  checkAnnotations(value.annotations, what)
  const platform = value.platform
  if (platform === undefined || platform === null) return
  if (!isObject(platform) || typeof platform.os !== 'string' || typeof platform.architecture !== 'string') {
    throw corrupt(what, 'platform', platform)
  }
  if (platform.variant !== undefined && typeof platform.variant !== 'string') {
    throw corrupt(what, 'platform.variant', platform.variant)
  }
}

function checkAnnotations(value: unknown, what: string): void {
  if (value === undefined || value === null) return
  const valid = isObject(value) && Object.values(value).every((text) => typeof text === 'string')
  if (!valid) throw corrupt(what, 'annotations', value)
}

function corrupt(what: string, member: string, found: unknown): FormatError {
  const text = JSON.stringify(found)?.slice(0, 100)
  return new FormatError('ERR_FORMAT_CORRUPT', `${what}: bad ${member}: ${text}`, {
    details: { what, member, found: text },
  })
}

function notAnImage(what: string, found: string, hint?: string): RegistryError {
  return new RegistryError(
    'ERR_IMAGE_NOT_AN_IMAGE',
    `${what}: ${found.slice(0, 200)} is not an image manifest or index`,
    {
      details: { mediaType: found },
      ...(hint === undefined ? {} : { hint }),
    },
  )
}
