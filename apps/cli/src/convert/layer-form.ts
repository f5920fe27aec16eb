// SPDX-License-Identifier: Apache-2.0
/** How layers are built, in one word. */
import { hash } from 'node:crypto'
import type { CheckedConvertOptions } from './convert-options.ts'

/** How the layers of an image were built, in one word; beside the other annotations of the trace. */
export const ANNOTATION_LAYER_FORM = 'nydus.trace.layer-form'

/** The value of `ANNOTATION_LAYER_FORM`: it changes with everything that decides the bytes of a layer's blob. */
export function layerFormText(options: CheckedConvertOptions): string {
  const { fsVersion, compressor, digester, chunkSize, batchSize, alignedChunk, ociRef } = options
  const form = [fsVersion, compressor, digester, chunkSize, batchSize, alignedChunk, ociRef]
  const parts = [options.builderVersion, process.versions.zstd, ...form, options.prefetchPatterns]
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, 32)
}
