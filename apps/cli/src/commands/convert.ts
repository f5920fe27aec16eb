// SPDX-License-Identifier: Apache-2.0
/** `nydus convert`: flags → options → `convertImage` → a line or JSON an image. */
import { existsSync } from 'node:fs'
import { open, rm, writeFile } from 'node:fs/promises'
import { type ConvertResult, convertImage } from '../convert/convert-image.ts'
import { SharedLayers } from '../convert/layer-cache.ts'
import { localFailure } from '../convert/work-directory.ts'
import { createConvertDisplay } from '../render/convert-display.ts'
import { formatBytes, formatSeconds } from '../render/format.ts'
import { type Log, openLog } from '../render/log.ts'
import type { CommandContext } from './context.ts'
import { convertOptionsOf } from './convert-flag-options.ts'
import { convertJobs } from './convert-jobs.ts'
import type { FlagValues } from './flag.ts'
import { logLevelOf } from './global-flags.ts'

/** Runs the command; the images of a `--config` file one after the other, until one fails. @returns the exit status. */
export async function runConvert(flags: FlagValues, context: CommandContext): Promise<number> {
  const jobs = await convertJobs(flags)
  const sharedLayers = new SharedLayers()
  const prepared = await inOrder(jobs, (job) => convertOptionsOf(job, context))
  const log = openLog({
    stream: context.stderr,
    level: logLevelOf(flags),
    file: flags.text('log-file'),
    env: context.env,
  })
  try {
    for (const note of flags.notes) log.warn(note)
    for (const job of jobs) await checkOutputJson(job)
    await inOrder(jobs, async (job, i) => {
      const options = { ...prepared[i], sharedLayers } as Parameters<typeof convertImage>[0]
      const result = await convertWithDisplay(options, log, context)
      const outputJson = job.text('output-json')
      if (outputJson !== undefined) await writeMetrics(outputJson, result)
      context.stdout.write(flags.isSet('json') ? `${JSON.stringify(result)}\n` : `${summaryOf(result)}\n`)
    })
    return 0
  } finally {
    log.close()
  }
}

async function inOrder<T, R>(items: readonly T[], task: (item: T, i: number) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const [i, item] of items.entries()) results.push(await task(item, i))
  return results
}

async function convertWithDisplay(
  options: Parameters<typeof convertImage>[0],
  log: Log,
  { signal }: CommandContext,
): Promise<ConvertResult> {
  const display = createConvertDisplay(log)
  try {
    return await convertImage({ ...options, onEvent: display.onEvent, signal })
  } finally {
    display.close()
  }
}

/** Before anything is pushed; a file that was not there is not there afterwards either. */
async function checkOutputJson(flags: FlagValues): Promise<void> {
  const path = flags.text('output-json')
  if (path === undefined) return
  const existed = existsSync(path)
  try {
    await (await open(path, 'a')).close()
    if (!existed) await rm(path, { force: true })
  } catch (error) {
    throw localFailure(error, path)
  }
}

/** Names and units as the original writes them: bytes and nanoseconds. */
async function writeMetrics(
  path: string,
  { sourceSize, targetSize, elapsedMs }: ConvertResult,
): Promise<void> {
  const metrics = {
    SourceImageSize: sourceSize,
    TargetImageSize: targetSize,
    SourcePullElapsed: Math.round(elapsedMs.resolve * 1e6),
    ConversionElapsed: Math.round(elapsedMs.convert * 1e6),
    TargetPushElapsed: Math.round(elapsedMs.push * 1e6),
  }
  await writeFile(path, JSON.stringify(metrics)).catch((error: unknown) => {
    throw localFailure(error, path)
  })
}

function summaryOf({ source, target, images, sourceSize, targetSize, elapsedMs }: ConvertResult): string {
  const count = images.reduce((sum, image) => sum + image.blobs.length, 0)
  const seconds = formatSeconds(elapsedMs.resolve + elapsedMs.convert + elapsedMs.push)
  const sizes = `${formatBytes(sourceSize)} became ${formatBytes(targetSize)}`
  return `converted ${source.reference} to ${target.reference}@${target.digest}: ${count} layers, ${sizes}, ${seconds}`
}
