// SPDX-License-Identifier: Apache-2.0
/**
 * What the target's tag names already, as a cache: the second run of a conversion builds and uploads nothing. It is only
 * asked where an annotation says that its layers were built in the same way, so the result does not depend on it.
 */
import { isNydusError } from '@nydus/base/error'
import { isNydusManifest } from '@nydus/checker'
import { ANNOTATION_NYDUS_REF, ANNOTATION_SOURCE_DIGEST } from '@nydus/rafs-format'
import { type Descriptor, type ImageStore, isIndex, type Manifest } from '@nydus/registry-client'
import { readCachedLayer } from './cached-layer.ts'
import type { CheckedConvertOptions } from './convert-options.ts'
import type { LayerCache } from './layer-cache.ts'
import { ANNOTATION_LAYER_FORM, layerFormText } from './layer-form.ts'
import type { SourceTree } from './read-source.ts'

/** Opens the cache. @returns undefined when the target has no image of this source that was built in this way. */
export async function openPreviousTarget(
  target: ImageStore,
  source: SourceTree,
  options: CheckedConvertOptions,
  signal: AbortSignal,
): Promise<LayerCache | undefined> {
  if (target.kind !== 'registry' || !options.traceAnnotations || options.encrypt) return undefined
  const blobs = new Map<string, Descriptor>()
  for (const manifest of await readManifests(target, signal))
    for (const [layer, blob] of pairLayers(manifest, source, options)) blobs.set(layer, blob)
  if (blobs.size === 0) return undefined
  return {
    async find(layer) {
      const blob = blobs.get(layer.digest)
      if (blob === undefined) return undefined
      const refersTo = options.ociRef ? layer.digest : undefined
      const { digest, size } = blob
      const converted = await readCachedLayer(target, { digest, size, refersTo }, options, signal).catch(
        (error: unknown) => {
          if (signal.aborted || !isNydusError(error)) throw error
          return undefined // it is built again
        },
      )
      return converted === undefined ? undefined : { converted, store: target }
    },
  }
}

/** Whatever cannot be read is no image to take layers from. */
async function readManifests(target: ImageStore, signal: AbortSignal): Promise<readonly Manifest[]> {
  try {
    const { document } = await target.manifest(await target.resolve(signal), signal)
    if (!isIndex(document)) return [document]
    const found = await Promise.all(document.manifests.map((entry) => target.manifest(entry, signal)))
    return found.flatMap(({ document: each }) => (isIndex(each) ? [] : [each]))
  } catch (error) {
    if (signal.aborted || !isNydusError(error)) throw error
    return []
  }
}

function pairLayers(
  manifest: Manifest,
  source: SourceTree,
  options: CheckedConvertOptions,
): readonly (readonly [string, Descriptor])[] {
  const { annotations = {} } = manifest
  if (!isNydusManifest(manifest) || annotations[ANNOTATION_LAYER_FORM] !== layerFormText(options)) return []
  const sourceDigest = annotations[ANNOTATION_SOURCE_DIGEST]
  const image = source.images.find(
    ({ descriptor }) =>
      descriptor.digest === sourceDigest ||
      (source.index === undefined && source.root.digest === sourceDigest),
  )
  const blobs = manifest.layers.slice(0, -1)
  if (image === undefined || image.isNydus || blobs.length !== image.manifest.layers.length) return []
  return image.manifest.layers.flatMap(({ digest }, i) => {
    const blob = blobs[i] as Descriptor
    const refersTo = blob.annotations?.[ANNOTATION_NYDUS_REF]
    return refersTo === (options.ociRef ? digest : undefined) ? [[digest, blob] as const] : []
  })
}
