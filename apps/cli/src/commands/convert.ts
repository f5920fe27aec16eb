// SPDX-License-Identifier: Apache-2.0
/** `nydus convert`: flags → options → `convertImage` → a line or JSON. */
import { existsSync } from 'node:fs'
import { open, rm, writeFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { NydusError } from '@nydus/base/error'
import { sourceArchiveText, targetArchiveText } from '../convert/archive-text.ts'
import { type ConvertResult, convertImage } from '../convert/convert-image.ts'
import type { BlobCompressor, ConvertOptions } from '../convert/convert-options.ts'
import { isSamePlace, suffixedTarget } from '../convert/store-text.ts'
import { localFailure } from '../convert/work-directory.ts'
import { createConvertDisplay } from '../render/convert-display.ts'
import { formatBytes, formatSeconds } from '../render/format.ts'
import { openLog } from '../render/log.ts'
import type { CommandContext } from './context.ts'
import { durationFlag, type FlagValues, numberFlag, sizeFlag } from './flag.ts'
import { logLevelOf } from './global-flags.ts'

/** Runs the command. @returns the exit status. */
export async function runConvert(flags: FlagValues, context: CommandContext): Promise<number> {
  const options = await convertOptionsOf(flags, context)
  const log = openLog({
    stream: context.stderr,
    level: logLevelOf(flags),
    file: flags.text('log-file'),
    env: context.env,
  })
  const display = createConvertDisplay(log)
  try {
    for (const note of flags.notes) log.warn(note)
    const outputJson = flags.text('output-json')
    if (outputJson !== undefined) await checkWritable(outputJson)
    const result = await convertImage({ ...options, onEvent: display.onEvent, signal: context.signal })
    display.close()
    if (outputJson !== undefined) await writeMetrics(outputJson, result)
    context.stdout.write(flags.isSet('json') ? `${JSON.stringify(result)}\n` : `${summaryOf(result)}\n`)
    return 0
  } finally {
    display.close()
    log.close()
  }
}

/** Options of the conversion that the flags describe. @throws {NydusError} ERR_USAGE */
export async function convertOptionsOf(
  flags: FlagValues,
  context: Pick<CommandContext, 'stdin' | 'calledAs'>,
): Promise<ConvertOptions> {
  checkFsVersion(flags.text('fs-version'))
  const target = targetOf(flags)
  const { source, sourceReference } = await sourceOf(flags)
  // The original overwrites; there the target stays what the user asked for.
  if (context.calledAs === 'nydus' && isSamePlace(source, target)) {
    throw usage(`--target is the source itself: ${target} would be overwritten`, 'give another tag')
  }
  const patterns = await prefetchPatternsOf(flags, context.stdin)
  return {
    source,
    target,
    sourceInsecure: flags.isSet('source-insecure'),
    targetInsecure: flags.isSet('target-insecure'),
    plainHttp: flags.isSet('plain-http'),
    compressor: (flags.text('compressor') ?? 'zstd') as BlobCompressor,
    chunkSize: numberFlag('fs-chunk-size', flags.text('fs-chunk-size') ?? '0x100000'),
    platforms: platformsOf(flags),
    mediaTypes: flags.isSet('oci') ? 'oci' : 'source',
    withReferrer: flags.isSet('with-referrer'),
    nydusSource: context.calledAs === 'nydusify' ? 'copy' : 'refuse',
    workDir: flags.text('work-dir') ?? './tmp',
    pushRetryCount: numberFlag('push-retry-count', flags.text('push-retry-count') ?? '3'),
    pushRetryDelayMs: durationFlag('push-retry-delay', flags.text('push-retry-delay') ?? '5s'),
    pushChunkBytes: sizeFlag('push-chunk-size', flags.text('push-chunk-size') ?? '0'),
    ...(patterns === undefined ? {} : { prefetchPatterns: patterns }),
    ...(sourceReference === undefined ? {} : { sourceReference }),
  }
}

function checkFsVersion(version: string | undefined): void {
  if (version === '6') return
  if (version === '5')
    throw usage('--fs-version 5 is not supported yet', 'use 6, which kernels and nydusd read')
  throw usage(`--fs-version ${JSON.stringify(version)}: expected 6`)
}

async function sourceOf(flags: FlagValues): Promise<{ source: string; sourceReference?: string }> {
  const name = flags.text('source')
  const archive = flags.text('source-archive')
  if (archive === undefined) {
    if (name === undefined) throw usage('--source is missing', 'nydus convert --source IMAGE --target IMAGE')
    return { source: name }
  }
  const source = await sourceArchiveText(archive, name)
  return name === undefined ? { source } : { source, sourceReference: name }
}

function targetOf(flags: FlagValues): string {
  const target = flags.text('target')
  const suffix = flags.text('target-suffix')
  const archive = flags.text('target-archive')
  if (target !== undefined && suffix !== undefined) {
    throw usage('--target and --target-suffix exclude each other')
  }
  const name =
    target ?? (suffix === undefined ? undefined : suffixedTarget(flags.text('source') ?? '', suffix))
  if (archive !== undefined) return targetArchiveText(archive, name)
  if (name === undefined) throw usage('--target is missing', 'give --target or --target-suffix')
  return name
}

function platformsOf(flags: FlagValues): readonly string[] | 'all' {
  if (flags.isSet('all-platforms')) return 'all'
  const names = (flags.text('platform') ?? '').split(',').map((name) => name.trim())
  return names.filter((name) => name !== '')
}

async function prefetchPatternsOf(
  flags: FlagValues,
  stdin: Readable,
): Promise<readonly string[] | undefined> {
  const directory = flags.text('prefetch-dir')
  if (flags.isSet('prefetch-patterns')) {
    if (directory !== undefined) throw usage('--prefetch-dir and --prefetch-patterns exclude each other')
    const lines = (await readAll(stdin)).split('\n').map((line) => line.trim())
    return lines.filter((line) => line !== '')
  }
  return directory === undefined ? undefined : [directory]
}

const MAX_PATTERN_BYTES = 16 << 20

async function readAll(stream: Readable): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of stream) {
    pieces.push(Buffer.from(piece))
    size += piece.length
    if (size > MAX_PATTERN_BYTES) throw usage(`prefetch patterns: more than ${MAX_PATTERN_BYTES} bytes`)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** Before anything is pushed; a file that was not there is not there afterwards either. */
async function checkWritable(path: string): Promise<void> {
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

function usage(message: string, hint?: string): NydusError {
  return new NydusError('ERR_USAGE', message, hint === undefined ? {} : { hint })
}
