// SPDX-License-Identifier: Apache-2.0
/**
 * `docker save` tars. New ones hold an OCI layout beside `manifest.json`; from old ones a layout is made up:
 * a docker manifest whose layers are the tar members, with their diff ids as digests when they are not compressed.
 */
import { createHash } from 'node:crypto'
import { type Digest, digestFromHex, isDigest, sha256Digest } from '@nydus/base/digest'
import { FormatError } from '@nydus/base/error'
import { RegistryError } from '../errors.ts'
import { ANNOTATION_REF_NAME, normalized } from '../local/layout-index.ts'
import { blobName } from '../local/layout-reader.ts'
import { type Member, type MemberFiles, memberStream, memoryMember, readMember } from '../local/member.ts'
import {
  MEDIA_TYPE_DOCKER_CONFIG,
  MEDIA_TYPE_DOCKER_LAYER,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_LAYER_ZSTD,
  MEDIA_TYPE_DOCKER_MANIFEST,
} from '../media-types.ts'
import { isObject, MAX_MANIFEST_BYTES, parseJsonObject } from '../parse-document.ts'
import type { Descriptor, Manifest } from '../types.ts'
import { compressionOf } from './archive-files.ts'

const LAYER_TYPES = {
  none: MEDIA_TYPE_DOCKER_LAYER,
  gzip: MEDIA_TYPE_DOCKER_LAYER_GZIP,
  zstd: MEDIA_TYPE_DOCKER_LAYER_ZSTD,
} as const

/** One image of `manifest.json`. */
interface SavedImage {
  readonly config: string
  readonly names: readonly string[]
  readonly layers: readonly string[]
}

/** Tells whether the tar holds an OCI layout, so that nothing has to be made up. */
export async function hasLayout(files: MemberFiles): Promise<boolean> {
  for (const name of ['oci-layout', 'index.json']) {
    const member = await files.open(name)
    await member?.close()
    if (member === undefined) return false
  }
  return true
}

/** The members of a layout with the one image that `wanted` names, made from an old `docker save` tar. */
export async function layoutOfDockerSave(
  files: MemberFiles,
  wanted: string | undefined,
  place: string,
): Promise<MemberFiles> {
  const image = selectImage(await readSavedImages(files, place), wanted, place)
  const configBytes = await readMember(files, image.config, MAX_MANIFEST_BYTES)
  if (configBytes === undefined) throw missing(place, image.config)
  const diffIds = readDiffIds(configBytes, place)
  if (diffIds.length !== image.layers.length) {
    throw corrupt(place, `${image.layers.length} layers, but the config lists ${diffIds.length} diff ids`)
  }
  const members = new Map<string, () => Promise<Member | undefined>>()
  const layers: Descriptor[] = []
  for (const [position, name] of image.layers.entries()) {
    const descriptor = await describeLayer(files, name, diffIds[position] as Digest, place)
    layers.push(descriptor)
    members.set(blobName(descriptor.digest), () => files.open(name))
  }

  function addDocument(bytes: Uint8Array, mediaType: string): Descriptor {
    const digest = sha256Digest(bytes)
    members.set(blobName(digest), async () => memoryMember(bytes))
    return { mediaType, digest, size: bytes.length }
  }
  const config = addDocument(configBytes, MEDIA_TYPE_DOCKER_CONFIG)
  const manifest: Manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_DOCKER_MANIFEST, config, layers }
  const entry = addDocument(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPE_DOCKER_MANIFEST)
  // Under the name that was asked for, so that the reader finds it.
  const named = wanted === undefined ? entry : { ...entry, annotations: { [ANNOTATION_REF_NAME]: wanted } }
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [named] }))
  members.set('index.json', async () => memoryMember(index))
  return { open: async (name) => members.get(name)?.(), close: () => files.close() }
}

/** Uncompressed: the config's diff id, which reading verifies. Compressed: the digest is computed here, in one pass. */
async function describeLayer(
  files: MemberFiles,
  name: string,
  diffId: Digest,
  place: string,
): Promise<Descriptor> {
  const member = await files.open(name)
  if (member === undefined) throw missing(place, name)
  const { size } = member
  const compression = compressionOf(await member.read(0, Math.min(size, 4))) ?? 'none'
  const mediaType = LAYER_TYPES[compression]
  if (compression === 'none') {
    await member.close()
    return { mediaType, digest: diffId, size }
  }
  const hash = createHash('sha256')
  for await (const bytes of memberStream(member, 0, undefined)) hash.update(bytes)
  return { mediaType, digest: digestFromHex(hash.digest('hex')), size }
}

async function readSavedImages(files: MemberFiles, place: string): Promise<readonly SavedImage[]> {
  const bytes = await readMember(files, 'manifest.json', MAX_MANIFEST_BYTES)
  if (bytes === undefined) {
    throw new RegistryError(
      'ERR_IMAGE_NOT_AN_IMAGE',
      `${place} was not made by docker save: it has no manifest.json`,
    )
  }
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw corrupt(place, 'manifest.json is not JSON', cause)
  }
  if (!Array.isArray(json)) throw corrupt(place, 'manifest.json is not a list')
  return json.map((image) => checkSavedImage(image, place))
}

function checkSavedImage(image: unknown, place: string): SavedImage {
  const { Config: config, Layers: layers, RepoTags: names } = isObject(image) ? image : {}
  if (
    typeof config !== 'string' ||
    !isTexts(layers) ||
    !(names === undefined || names === null || isTexts(names))
  ) {
    throw corrupt(place, 'manifest.json has no Config, Layers and RepoTags')
  }
  return { config, layers, names: names ?? [] }
}

function selectImage(images: readonly SavedImage[], wanted: string | undefined, place: string): SavedImage {
  const [first] = images
  const full = wanted === undefined ? undefined : normalized(wanted)
  const found =
    wanted === undefined
      ? images.length === 1
        ? first
        : undefined
      : images.find(({ names }) =>
          names.some((name) => name === wanted || (full !== undefined && normalized(name) === full)),
        )
  if (found !== undefined) return found
  const known = images.flatMap(({ names }) => names)
  const message =
    wanted === undefined ? `${place} holds ${images.length} images` : `${place} holds no image "${wanted}"`
  throw new RegistryError('ERR_REGISTRY_NOT_FOUND', message, {
    details: { known },
    ...(known.length > 0 ? { hint: `name one after the file: ${known.slice(0, 20).join(', ')}` } : {}),
  })
}

function readDiffIds(config: Uint8Array, place: string): readonly Digest[] {
  const rootfs = parseJsonObject(config, `${place}: config`).rootfs
  const ids: unknown = isObject(rootfs) ? rootfs.diff_ids : undefined
  if (Array.isArray(ids) && ids.every((id) => isDigest(id))) return ids
  throw corrupt(place, 'the config has no diff ids')
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}

function missing(place: string, name: string): RegistryError {
  return new RegistryError('ERR_REGISTRY_NOT_FOUND', `${place}: no member ${name.slice(0, 200)}`, {
    details: { place, name },
  })
}

function corrupt(place: string, reason: string, cause?: unknown): FormatError {
  return new FormatError('ERR_FORMAT_CORRUPT', `${place}: ${reason}`, { cause, details: { place } })
}
