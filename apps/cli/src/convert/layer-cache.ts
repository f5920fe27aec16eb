// SPDX-License-Identifier: Apache-2.0
/** Layers that were converted before: what a conversion asks, and the memory of one run over several images. */
import type { Digest } from '@nydus/base/digest'
import type { ImageStore } from '@nydus/registry-client'
import type { ConvertedLayer } from './build-blob.ts'
import type { LayerForm } from './cached-layer.ts'
import type { LayerName } from './convert-events.ts'

/** A converted layer, and a store that has its blob. */
export interface FoundLayer {
  readonly converted: ConvertedLayer
  readonly store: ImageStore
}

/** Finds layers that need not be built. */
export interface LayerCache {
  /** @returns undefined when the layer is not known, or its blob is gone or of no use. */
  find(layer: LayerName, signal?: AbortSignal): Promise<FoundLayer | undefined>
}

/** Remembers the layers of all conversions of one run; give the same one to each `convertImage`. */
export class SharedLayers {
  readonly #known = new Map<string, { readonly converted: ConvertedLayer; readonly place: string }>()

  /**
   * The cache of one conversion.
   * @param form how its layers are built.
   * @param open opens a place that another conversion pushed to; closing it is the caller's part.
   */
  view(
    form: LayerForm & { readonly prefetchPatterns: readonly string[] },
    open: (place: string) => ImageStore,
  ) {
    const stores = new Map<string, ImageStore>()
    const key = (layer: Digest) => keyOf(layer, form)
    return {
      find: async (layer: LayerName): Promise<FoundLayer | undefined> => {
        const known = this.#known.get(key(layer.digest))
        if (known === undefined) return undefined
        const store = stores.get(known.place) ?? open(known.place)
        stores.set(known.place, store)
        return { converted: known.converted, store }
      },
      /** Remembers a layer whose blob is in `place` now. */
      add: (layer: Digest, converted: ConvertedLayer, place: string): void => {
        if (!this.#known.has(key(layer))) this.#known.set(key(layer), { converted, place })
      },
      close: async (): Promise<void> => {
        await Promise.allSettled([...stores.values()].map((store) => store.close()))
      },
    }
  }
}

function keyOf(layer: Digest, form: LayerForm & { readonly prefetchPatterns: readonly string[] }): string {
  const { fsVersion, compressor, digester, chunkSize, batchSize, encrypt, ociRef, alignedChunk } = form
  return JSON.stringify([
    layer,
    ...[fsVersion, compressor, digester, chunkSize, batchSize, encrypt, ociRef, alignedChunk],
    form.prefetchPatterns,
  ])
}
