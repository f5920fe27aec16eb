// SPDX-License-Identifier: Apache-2.0
/** `nydus build` (`pack`): flags → options → `packDirectory` → a line or JSON. */
import { statSync } from 'node:fs'
import type { ChunkCompressor } from '@nydus/builder'
import { dictPathOf } from '../nydus-image/dict-path.ts'
import { readCompactConfig } from '../pack/compact-config.ts'
import { packDirectory } from '../pack/pack-directory.ts'
import type { PackOptions, PackResult, PushPlace } from '../pack/pack-options.ts'
import { formatBytes, formatSeconds } from '../render/format.ts'
import { openLog } from '../render/log.ts'
import { createStatusLine } from '../render/status-line.ts'
import { backendOf } from './backend-flag.ts'
import type { CommandContext } from './context.ts'
import { type FlagValues, numberFlag } from './flag.ts'
import { logLevelOf } from './global-flags.ts'
import { needFlag } from './image-flags.ts'
import { usage } from './usage.ts'

const HINT = 'nydus build --source-dir DIRECTORY --name NAME'
const COMPRESSORS: readonly string[] = ['none', 'lz4_block', 'zstd'] satisfies ChunkCompressor[]

/** Runs the command. @returns the exit status. */
export async function runPack(flags: FlagValues, context: CommandContext): Promise<number> {
  const options = packOptionsOf(flags, context.env)
  const { stderr, env, signal } = context
  const log = openLog({ stream: stderr, level: logLevelOf(flags), file: flags.text('log-file'), env })
  const line = createStatusLine(log)
  try {
    for (const note of flags.notes) log.warn(note)
    const result = await packDirectory({
      ...options,
      signal,
      onProgress: ({ tarBytes, chunks, blobBytes }) =>
        line.show(`${formatBytes(tarBytes)} read, ${chunks} chunks, ${formatBytes(blobBytes)} written`),
    })
    line.clear()
    context.stdout.write(`${flags.isSet('json') ? JSON.stringify(result) : summaryOf(result)}\n`)
    return 0
  } finally {
    line.clear()
    log.close()
  }
}

/** Options that the flags describe. @throws {NydusError} ERR_USAGE, ERR_CONFIG_INVALID */
export function packOptionsOf(flags: FlagValues, env: CommandContext['env']): PackOptions {
  const sourceDir = needFlag(flags, 'source-dir', HINT)
  const name = flags.text('name') ?? env.BOOTSTRAP
  if (name === undefined) throw usage('--name is missing', HINT)
  if (!isDirectory(sourceDir)) throw usage(`--source-dir ${sourceDir} is not a directory`)
  const compressor = flags.text('compressor') ?? 'zstd'
  if (!COMPRESSORS.includes(compressor)) {
    throw usage(`--compressor ${compressor}: expected none, lz4_block or zstd`)
  }
  const push = pushPlaceOf(flags)
  return {
    sourceDir,
    name,
    outputDir: flags.text('output-dir'),
    fsVersion: fsVersionOf(flags.text('fs-version') ?? '6'),
    compressor: compressor as ChunkCompressor,
    chunkSize: numberFlag('chunk-size', flags.text('chunk-size') ?? '0x100000'),
    chunkDictPath: dictPathOf(flags.text('chunk-dict')),
    parentPath: flags.text('parent-bootstrap'),
    compact: flags.isSet('compact') ? readCompactConfig(flags.text('compact-config-file')) : undefined,
    parentBlobsDir: push?.directory,
    push: flags.isSet('backend-push') ? push : undefined,
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function fsVersionOf(text: string): 5 | 6 {
  if (text === '5') return 5
  if (text === '6') return 6
  throw usage(`--fs-version ${JSON.stringify(text)}: expected 5 or 6`)
}

function pushPlaceOf(flags: FlagValues): PushPlace | undefined {
  const isWanted = flags.isSet('backend-push')
  const backend = backendOf(flags, '')
  if (backend === undefined) {
    if (!isWanted) return undefined
    throw usage('--backend-push needs --backend-type and --backend-config')
  }
  if (backend.type !== 'localfs') {
    const reason = 'this version writes blobs to localfs only'
    throw usage(`--backend-type ${backend.type} is not supported: ${reason}`, 'upload the two files yourself')
  }
  const members = (backend.config ?? {}) as Readonly<Record<string, unknown>>
  const text = (name: string) => (typeof members[name] === 'string' ? (members[name] as string) : '')
  if (text('dir') === '') throw usage('--backend-config: "dir" is missing')
  return { directory: text('dir'), metaPrefix: text('meta_prefix'), blobPrefix: text('blob_prefix') }
}

function summaryOf(result: PackResult): string {
  const { meta, blob, entryCount, dataSize, blobSize, bootstrapSize, elapsedMs } = result
  const what = `${entryCount} entries, ${formatBytes(dataSize)} of data`
  const made = [`bootstrap ${meta} (${formatBytes(bootstrapSize)})`]
  if (blob !== undefined) made.push(`blob ${blob} (${formatBytes(blobSize)})`)
  return `built ${made.join(' and ')}: ${what}, ${formatSeconds(elapsedMs)}`
}
