// SPDX-License-Identifier: Apache-2.0
/** Flags of `convert` → options of `convertImage`. */
import { readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { NydusError } from '@nydus/base/error'
import { formatReference, parseReference } from '@nydus/registry-client'
import { sourceArchiveText, targetArchiveText } from '../convert/archive-text.ts'
import type { BlobCompressor, ConvertOptions } from '../convert/convert-options.ts'
import { isSamePlace, suffixedTarget } from '../convert/store-text.ts'
import { localFailure } from '../convert/work-directory.ts'
import type { CommandContext } from './context.ts'
import { durationFlag, type FlagValues, numberFlag, sizeFlag } from './flag.ts'

/** Options of the conversion that the flags describe. @throws {NydusError} ERR_USAGE */
export async function convertOptionsOf(
  flags: FlagValues,
  context: Pick<CommandContext, 'stdin' | 'calledAs'>,
): Promise<ConvertOptions> {
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
    ...formatOptions(flags),
    platforms: platformsOf(flags),
    mediaTypes: flags.isSet('oci') && !flags.isSet('docker-v2-format') ? 'oci' : 'source',
    withReferrer: flags.isSet('with-referrer'),
    mergePlatform: flags.isSet('merge-platform'),
    reverse: flags.isSet('reverse'),
    nydusSource: context.calledAs === 'nydusify' ? 'copy' : 'refuse',
    ...cacheOptions(flags, target),
    ...(await backendOptions(flags)),
    ...workOptions(flags),
    pushRetryCount: numberFlag('push-retry-count', flags.text('push-retry-count') ?? '3'),
    pushRetryDelayMs: durationFlag('push-retry-delay', flags.text('push-retry-delay') ?? '5s'),
    pushChunkBytes: sizeFlag('push-chunk-size', flags.text('push-chunk-size') ?? '0'),
    ...(patterns === undefined ? {} : { prefetchPatterns: patterns }),
    ...(sourceReference === undefined ? {} : { sourceReference }),
  }
}

/** How blobs and bootstraps look. */
function formatOptions(flags: FlagValues): Partial<ConvertOptions> {
  return {
    fsVersion: fsVersionOf(flags.text('fs-version')),
    compressor: (flags.text('compressor') ?? 'zstd') as BlobCompressor,
    digester: (flags.text('digester') ?? 'blake3') as 'blake3' | 'sha256',
    chunkSize: numberFlag('fs-chunk-size', flags.text('fs-chunk-size') ?? '0x100000'),
    batchSize: numberFlag('batch-size', flags.text('batch-size') ?? '0'),
    encrypt: flags.isSet('encrypt'),
    alignedChunk: flags.isSet('fs-align-chunk'),
    ociRef: flags.isSet('oci-ref'),
  }
}

function fsVersionOf(version: string | undefined): 5 | 6 {
  if (version === '5') return 5
  if (version === '6') return 6
  throw usage(`--fs-version ${JSON.stringify(version)}: expected 5 or 6`)
}

function cacheOptions(flags: FlagValues, target: string): Partial<ConvertOptions> {
  const image = flags.text('build-cache')
  const tag = flags.text('build-cache-tag')
  const dict = flags.text('chunk-dict')
  if (image !== undefined && tag !== undefined)
    throw usage('--build-cache and --build-cache-tag exclude each other')
  const buildCache = tag === undefined ? image : tagBeside(target, tag)
  return {
    chunkDictInsecure: flags.isSet('chunk-dict-insecure'),
    buildCacheInsecure:
      flags.isSet('build-cache-insecure') || (tag !== undefined && flags.isSet('target-insecure')),
    buildCacheVersion: flags.text('build-cache-version') ?? 'v1',
    buildCacheMaxRecords: numberFlag(
      'build-cache-max-records',
      flags.text('build-cache-max-records') ?? '200',
    ),
    ...(dict === undefined ? {} : { chunkDict: dict }),
    ...(buildCache === undefined ? {} : { buildCache }),
  }
}

/** The reference of another tag in the target's repository. */
function tagBeside(target: string, tag: string): string {
  if (/^(oci|oci-archive):/.test(target))
    throw usage(`--build-cache-tag: ${target} is no registry`, 'use --build-cache')
  const { registry, repository } = parseReference(target)
  return formatReference({ registry, repository, tag })
}

async function backendOptions(flags: FlagValues): Promise<Partial<ConvertOptions>> {
  const type = flags.text('backend-type')
  const text = flags.text('backend-config')
  const file = flags.text('backend-config-file')
  if (text !== undefined && file !== undefined)
    throw usage('--backend-config and --backend-config-file exclude each other')
  if (type === undefined || type === '' || type === 'registry') return {}
  if (type !== 'localfs') {
    throw usage(
      `--backend-type ${type} is not supported: blobs are written to registries and, with localfs, to directories`,
      'object stores come with a later version',
    )
  }
  if (text === undefined && file === undefined)
    throw usage(`--backend-type ${type} needs --backend-config or --backend-config-file`)
  const config = parseConfig(text ?? (await readText(file ?? '')))
  return { blobDirectory: directoryOf(config), overwriteBlobs: flags.isSet('backend-force-push') }
}

function parseConfig(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw usage(`--backend-config is no JSON: ${(cause as Error).message}`)
  }
}

function directoryOf(config: unknown): string {
  const { dir } = (config ?? {}) as { readonly dir?: unknown }
  if (typeof dir === 'string' && dir !== '') return dir
  throw usage('--backend-config of localfs: dir is missing', 'write {"dir": "/var/blobs"}')
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw localFailure(error, path)
  })
}

/** Files are kept where the user did not name a place for temporary ones, as nydusify before 2.0 did. */
function workOptions(flags: FlagValues): Partial<ConvertOptions> {
  const workDir = flags.text('work-dir')
  const files = flags.text('work-files') ?? (workDir === undefined ? 'keep' : 'remove')
  if (files !== 'keep' && files !== 'remove')
    throw usage(`--work-files ${JSON.stringify(files)}: expected keep or remove`)
  return {
    workDir: workDir ?? './tmp',
    workFiles: files,
    traceAnnotations: !flags.isSet('without-trace'),
  }
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

function usage(message: string, hint?: string): NydusError {
  return new NydusError('ERR_USAGE', message, hint === undefined ? {} : { hint })
}
