// SPDX-License-Identifier: Apache-2.0
/** Changes a Nydus image in a test registry: what the checker must find. */
import { hash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { lookupEntry, openBootstrap } from '@nydus/rafs-format'
import type { Put, TestRegistry } from '@nydus/testkit'

interface Descriptor extends Put {
  readonly mediaType: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** A manifest as JSON. */
export interface ManifestDocument {
  readonly mediaType: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

/** An image in a test registry. */
export interface StoredImage {
  readonly registry: TestRegistry
  readonly repository: string
  readonly tag: string
}

interface Parts {
  config: { rootfs: { diff_ids: string[] } }
  layers: Descriptor[]
}

const TAR_BLOCK = 512
const NID_BYTES = 32
/** Of `i_mode` in both forms of an EROFS inode. */
const MODE_OFFSET = 4

/** The manifest of `image`. */
export function manifestOf(image: StoredImage): ManifestDocument {
  const found = image.registry.manifest(image.repository, image.tag)
  if (found === undefined) throw new Error(`no image ${image.repository}:${image.tag}`)
  return found.document as ManifestDocument
}

/** Puts a copy of `image` under `tag` with another config or other layers; every digest in it is right. */
export function putChanged(image: StoredImage, tag: string, change: (parts: Parts) => void): StoredImage {
  const { registry, repository } = image
  const manifest = manifestOf(image)
  const parts: Parts = {
    config: JSON.parse(registry.blob(manifest.config.digest).toString()),
    layers: [...manifest.layers],
  }
  change(parts)
  const config = {
    ...manifest.config,
    ...registry.putBlob(repository, Buffer.from(JSON.stringify(parts.config))),
  }
  registry.putManifest(repository, tag, { ...manifest, config, layers: parts.layers }, manifest.mediaType)
  return { registry, repository, tag }
}

/** Leaves out layer `index` of the manifest and the config. */
export function dropLayer(image: StoredImage, tag: string, index: number): StoredImage {
  return putChanged(image, tag, (parts) => {
    parts.layers.splice(index, 1)
    parts.config.rootfs.diff_ids.splice(index, 1)
  })
}

/**
 * Puts a copy whose bootstrap gives the file at `path` other permission bits.
 * @param bits are flipped.
 */
export function changeMode(
  image: StoredImage,
  tag: string,
  path: readonly string[],
  bits: number,
): StoredImage {
  const { registry, repository } = image
  return putChanged(image, tag, (parts) => {
    const index = parts.layers.length - 1
    const layer = parts.layers[index] as Descriptor
    const tar = gunzipSync(registry.blob(layer.digest))
    const { start, size } = tarMemberRange(tar, 'image/image.boot')
    const bytes = tar.subarray(start, start + size)
    const bootstrap = openBootstrap(bytes)
    let nid = bootstrap.rootNid
    for (const name of path) {
      const entry = lookupEntry(bootstrap, nid, Buffer.from(name))
      if (entry === undefined) throw new Error(`${path.join('/')} is not in the bootstrap`)
      nid = entry.nid
    }
    const at = bootstrap.metaOffset + nid * NID_BYTES + MODE_OFFSET
    bytes.writeUInt16LE(bytes.readUInt16LE(at) ^ bits, at)
    parts.layers[index] = { ...layer, ...registry.putBlob(repository, gzipSync(tar)) }
    parts.config.rootfs.diff_ids[index] = `sha256:${hash('sha256', tar, 'hex')}`
  })
}

function tarMemberRange(tar: Buffer, name: string): { start: number; size: number } {
  for (let at = 0; at + TAR_BLOCK <= tar.length; ) {
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8)
    const found = tar.toString('latin1', at, at + 100).replace(/\0.*$/s, '')
    if (found === name) return { start: at + TAR_BLOCK, size }
    if (Number.isNaN(size)) break
    at += TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK
  }
  throw new Error(`no member ${name} in the bootstrap layer`)
}
