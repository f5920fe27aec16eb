// SPDX-License-Identifier: Apache-2.0
/** Watches a conversion and writes the files of the work directory, where they are wanted. */
import type { Digest } from '@nydus/base/digest'
import type { ConvertListener } from './convert-events.ts'
import type { CheckedConvertOptions } from './convert-options.ts'
import type { ConvertedImage } from './convert-platform.ts'
import { printableReference } from './store-text.ts'
import {
  type ConversionOutcome,
  type LayerFigures,
  writeConversionMetrics,
  writeLayerFiles,
} from './work-files.ts'

/** What is recorded of a conversion. */
export interface WorkFiles {
  /** Where files are kept; undefined when none are. */
  readonly directory: string | undefined
  /** Passes events on to the conversion's listener. */
  readonly onEvent: ConvertListener
  readonly figures: ReadonlyMap<Digest, LayerFigures>
  /** Writes the metrics of a failed conversion. Never throws: the failure itself is what matters. */
  onFailure(code: string): Promise<void>
}

/** Begins to record. */
export function recordFigures(options: CheckedConvertOptions): WorkFiles {
  const started = performance.now()
  const starts = new Map<Digest, number>()
  const figures = new Map<Digest, LayerFigures>()
  const directory = options.workFiles === 'keep' ? options.workDir : undefined
  return {
    directory,
    figures,
    onEvent(event) {
      if (event.type === 'layer-started') starts.set(event.layer.digest, performance.now())
      if (event.type === 'layer-built') {
        const { blobSize, chunkCount } = event
        const since = starts.get(event.layer.digest) ?? performance.now()
        figures.set(event.layer.digest, {
          buildSeconds: (performance.now() - since) / 1000,
          blobSize,
          chunkCount,
        })
      }
      options.onEvent(event)
    },
    async onFailure(code) {
      if (directory === undefined) return
      const outcome: ConversionOutcome = {
        sourceReference: options.sourceReference ?? printableReference(options.source),
        layerCount: starts.size,
        elapsedSeconds: (performance.now() - started) / 1000,
        cacheSeconds: undefined,
        failure: code,
      }
      await writeConversionMetrics(directory, outcome).catch(() => undefined)
    },
  }
}

/** Writes everything after a conversion that succeeded. @throws {NydusError} ERR_BUILD_IO, ERR_NO_SPACE */
export async function keepWorkFiles(
  { directory, figures }: WorkFiles,
  images: readonly ConvertedImage[],
  outcome: Omit<ConversionOutcome, 'layerCount' | 'failure'>,
): Promise<void> {
  if (directory === undefined) return
  for (const { layers, merged } of images) {
    if (merged === undefined) continue
    const built = layers.map((layer) => ({ ...layer, figures: figures.get(layer.source.digest) }))
    await writeLayerFiles(directory, built, merged)
  }
  const layerCount = images.reduce((sum, { layers }) => sum + layers.length, 0)
  await writeConversionMetrics(directory, { ...outcome, layerCount, failure: undefined })
}
