// SPDX-License-Identifier: Apache-2.0
/** `create`: source → blob, bootstrap and result file. */
import { stat } from 'node:fs/promises'
import {
  type BootstrapOutput,
  type BootstrapPlace,
  bootstrapOutput,
  bootstrapPlaceOf,
  placeBootstrap,
} from '../bootstrap-place.ts'
import type { ImageArguments } from '../command-spec.ts'
import type { ImageContext } from '../context.ts'
import { readPrefetchPatterns } from '../prefetch-patterns.ts'
import { type ImageResult, writeResult } from '../result-json.ts'
import { Trace } from '../trace.ts'
import type { CreatedImage } from './build-job.ts'
import { type CreatePlan, planCreate } from './create-plan.ts'

/** Runs `create`. @throws whatever the builder throws; nothing is left then. */
export async function runCreate(values: ImageArguments, context: ImageContext): Promise<number> {
  const trace = new Trace()
  const plan = planCreate(values, context.log)
  const place = plan.inlineMeta ? undefined : bootstrapPlaceOf(values)
  const prefetchPatterns = await readPrefetchPatterns(values, context)
  const { buildImage } = await import('./build-image.ts')
  const bootstrap = place === undefined ? undefined : bootstrapOutput(place)
  // The reader of a FIFO may want all of the blob first.
  const bootstrapSink = place !== undefined && (await isFifo(place.path)) ? undefined : bootstrap
  const wanted = { plan, prefetchPatterns, bootstrapSink }
  let built: CreatedImage
  let result: ImageResult
  try {
    built = await trace.time('total_build', () => buildImage(wanted, context, trace))
    result = await writeBootstraps(built, plan, place, bootstrap)
  } finally {
    await bootstrap?.discard()
  }
  const { geteuid, getegid } = process
  trace.event('euid', String(geteuid?.() ?? 0))
  trace.event('egid', String(getegid?.() ?? 0))
  context.log.info(summaryOf(result, built))
  await writeResult(values, result, trace)
  return 0
}

async function isFifo(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFIFO() ?? false
}

async function writeBootstraps(
  built: CreatedImage,
  { fsVersion, compressor }: CreatePlan,
  place: BootstrapPlace | undefined,
  output: BootstrapOutput | undefined,
): Promise<ImageResult> {
  const common = { blobs: built.blobIds, fsVersion, compressor }
  if (place === undefined || output === undefined) return { ...common, bootstrap: '' }
  if (built.bootstrap.length > 0) await output.write(built.bootstrap)
  const bootstrap = await output.commit()
  if (built.externalBootstrap === undefined) return { ...common, bootstrap }
  const externalPlace = place.kind === 'file' ? { ...place, path: `${place.path}.external` } : place
  return {
    ...common,
    bootstrap,
    externalBootstrap: await placeBootstrap(built.externalBootstrap, externalPlace),
    externalBlobs: built.externalBlobIds ?? [],
  }
}

function summaryOf({ bootstrap, blobs }: ImageResult, { blobSize }: CreatedImage): string {
  return [
    'successfully built RAFS filesystem: ',
    `meta blob path: ${bootstrap === '' ? '<none>' : bootstrap}`,
    `data blob size: 0x${blobSize.toString(16)}`,
    `data blobs: ${JSON.stringify(blobs)}`,
  ].join('\n')
}
