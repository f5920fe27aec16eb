// SPDX-License-Identifier: Apache-2.0
/** The fixtures' images in an OCI layout, as sources of conversions. */
import type { Digest } from '@nydus/base/digest'
import { type ImageStore, openImageStore } from '@nydus/registry-client'
import { type GoldenImage, openGoldens } from '@nydus/testkit'

/** All fixtures. */
export const goldens = openGoldens()

/** The image of the fixture with this id. */
export function goldenImage(id: string): GoldenImage {
  const { image } = goldens.fixture(id)
  if (image === undefined) throw new Error(`fixture ${id} has no image`)
  return image
}

/** Puts a golden image, with all it refers to, where `place` says. */
export async function pushGolden(id: string, place: string): Promise<void> {
  const store = openImageStore(place, { plainHttp: true })
  const image = goldenImage(id)
  for (const manifest of image.manifests ?? []) await pushImage(store, manifest)
  await pushImage(store, image, 'from-reference')
  await store.close()
}

async function pushImage(store: ImageStore, image: GoldenImage, tag?: string): Promise<void> {
  for (const part of [...(image.config === undefined ? [] : [image.config]), ...(image.layers ?? [])]) {
    const digest: Digest = `sha256:${part.sha256}`
    await store.putBlob({ digest, size: part.size }, goldens.read(part))
  }
  await store.putManifest(goldens.read(image.manifest), image.media_type, tag === undefined ? {} : { tag })
}
