// SPDX-License-Identifier: Apache-2.0
/**
 * What nydusify before 2.0 left in its work directory:
 *
 *   blobs/  source/                                    empty: layers are streamed
 *   bootstraps/N-sha256:LAYER                          bootstrap of the N-th layer, from 1; the last is the whole image's
 *   bootstraps/N-sha256:LAYER-output.json              its blobs, how long it took and what was counted
 *   conversion_metrics.prom                            Prometheus text
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openBootstrap } from '@nydus/rafs-format'
import type { ConvertedLayer } from './build-blob.ts'
import type { LayerName } from './convert-events.ts'
import { localFailure } from './work-directory.ts'

/** A source layer with what it became. */
export interface BuiltLayer {
  readonly source: LayerName
  readonly converted: ConvertedLayer
  /** What its build counted; undefined for one that was not built. */
  readonly figures: LayerFigures | undefined
}

/** Figures of one build. */
export interface LayerFigures {
  /** Seconds. */
  readonly buildSeconds: number
  /** Bytes. */
  readonly blobSize: number
  readonly chunkCount: number
}

/** A bootstrap with the ids of the blobs it refers to. */
export interface WrittenBootstrap {
  readonly bootstrap: Uint8Array
  readonly blobIds: readonly string[]
  /** Seconds that merging took. */
  readonly seconds: number
}

/**
 * Writes the bootstraps of one image. Names of a later image of the same conversion may replace equal ones.
 * @param whole what the last layer's file holds.
 */
export async function writeLayerFiles(
  directory: string,
  layers: readonly BuiltLayer[],
  whole: WrittenBootstrap,
): Promise<void> {
  const bootstraps = join(directory, 'bootstraps')
  try {
    for (const name of ['blobs', 'source', 'bootstraps'])
      await mkdir(join(directory, name), { recursive: true })
    for (const [i, { source, converted, figures }] of layers.entries()) {
      const path = join(bootstraps, `${i + 1}-${source.digest}`)
      const own = { bootstrap: converted.bootstrap, blobIds: [converted.blobId], seconds: 0 }
      const written = i === layers.length - 1 ? whole : own
      await writeWhole(path, written.bootstrap)
      const report = outputOf(written, figures)
      await writeWhole(`${path}-output.json`, JSON.stringify(report, undefined, 2))
    }
  } catch (error) {
    throw localFailure(error, bootstraps)
  }
}

function outputOf(
  { bootstrap, blobIds, seconds: mergeSeconds }: WrittenBootstrap,
  figures: LayerFigures | undefined,
): object {
  const buildSeconds = figures?.buildSeconds ?? 0
  return {
    blobs: blobIds,
    trace: {
      consumed_time: {
        'apply layers': mergeSeconds,
        'build rafs': mergeSeconds,
        'dump bootstrap and blob': buildSeconds,
        'load nodes from local directory': buildSeconds,
        'load nodes from parent': mergeSeconds,
        'total build time': buildSeconds + mergeSeconds,
        'validate bootstrap out of band': 0,
        'write all nodes to blob including hashing': buildSeconds,
        'write all nodes to bootstrap': mergeSeconds,
      },
      registered_events: {
        'blob compressed size': figures?.blobSize ?? 0,
        egid: String(process.getegid?.() ?? 0),
        euid: String(process.geteuid?.() ?? 0),
        'loading files from directory': figures?.chunkCount ?? 0,
        'loading files from parent': openBootstrap(bootstrap).inodeCount,
      },
    },
  }
}

/** How a conversion ended. */
export interface ConversionOutcome {
  readonly sourceReference: string
  readonly layerCount: number
  readonly elapsedSeconds: number
  /** Of writing the build cache; undefined without one. */
  readonly cacheSeconds: number | undefined
  /** The code of the error; undefined for success. */
  readonly failure: string | undefined
}

/** Writes `conversion_metrics.prom`. */
export async function writeConversionMetrics(directory: string, outcome: ConversionOutcome): Promise<void> {
  const path = join(directory, 'conversion_metrics.prom')
  try {
    await mkdir(directory, { recursive: true })
    await writeWhole(path, conversionMetrics(outcome))
  } catch (error) {
    throw localFailure(error, path)
  }
}

/** The metrics in Prometheus' text format, names and labels as nydusify has them. */
export function conversionMetrics(outcome: ConversionOutcome): string {
  const { sourceReference, layerCount, elapsedSeconds, cacheSeconds, failure } = outcome
  const source = { source_reference: sourceReference }
  const lines: string[] = []
  const add = (name: string, help: string, labels: Readonly<Record<string, string>>, value: number) => {
    const text = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(label)}"`)
    lines.push(`# HELP nydusify_convert_${name} ${help}`, `# TYPE nydusify_convert_${name} counter`)
    lines.push(`nydusify_convert_${name}{${text.join(',')}} ${value}`)
  }
  if (failure === undefined) {
    const labels = { layers_count: String(layerCount), source_reference: sourceReference }
    add('convert_duration_key', 'Seconds that converting an image took.', labels, elapsedSeconds)
    add('convert_count_key', 'Conversions, by source.', source, 1)
    add('convert_success_count', 'Conversions that succeeded, by source.', source, 1)
  } else {
    add('convert_failure_count', 'Conversions that failed.', { reason: failure, ...source }, 1)
  }
  if (cacheSeconds !== undefined)
    add('store_cache_duration', 'Seconds that pushing the build cache took.', source, cacheSeconds)
  return `${lines.join('\n')}\n`
}

function escapeLabel(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')
}

async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.tmp`
  try {
    await writeFile(temporary, content)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
