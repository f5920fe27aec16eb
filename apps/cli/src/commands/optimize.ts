// SPDX-License-Identifier: Apache-2.0
/** `nydus optimize`: flags → options → `optimizeRemoteImage` → a line or JSON. */
import { readFile } from 'node:fs/promises'
import { localFailure } from '../convert/work-directory.ts'
import { createCopyDisplay } from '../copy/copy-display.ts'
import { isSameImage } from '../copy/image-text.ts'
import {
  type OptimizeOptions,
  type OptimizeResult,
  optimizeRemoteImage,
} from '../optimize/optimize-remote.ts'
import { formatBytes, formatSeconds } from '../render/format.ts'
import { openLog } from '../render/log.ts'
import type { CommandContext } from './context.ts'
import type { FlagValues } from './flag.ts'
import { logLevelOf } from './global-flags.ts'
import { needFlag, pushOptionsOf } from './image-flags.ts'
import { PREFETCH_POLICY } from './optimize-flags.ts'
import { usage } from './usage.ts'

const HINT = 'nydus optimize --source IMAGE --target IMAGE --prefetch-files FILE'
const MAX_LIST_BYTES = 256 << 20

/** Runs the command. @returns the exit status. */
export async function runOptimize(flags: FlagValues, context: CommandContext): Promise<number> {
  const options = await optimizeOptionsOf(flags, context)
  const { stderr, env, signal } = context
  const log = openLog({ stream: stderr, level: logLevelOf(flags), file: flags.text('log-file'), env })
  const display = createCopyDisplay(log)
  try {
    for (const note of flags.notes) log.warn(note)
    const result = await optimizeRemoteImage({ ...options, onEvent: display.onEvent, signal })
    display.close()
    for (const path of result.missing) log.warn(`${path} is not a file of the image and was left out`)
    context.stdout.write(`${flags.isSet('json') ? JSON.stringify(result) : summaryOf(result)}\n`)
    return 0
  } finally {
    display.close()
    log.close()
  }
}

async function optimizeOptionsOf(flags: FlagValues, context: CommandContext): Promise<OptimizeOptions> {
  const source = needFlag(flags, 'source', HINT)
  const target = needFlag(flags, 'target', HINT)
  const list = needFlag(flags, 'prefetch-files', HINT)
  const policy = flags.text('policy')
  if (policy !== PREFETCH_POLICY) throw usage(`--policy ${policy}: expected ${PREFETCH_POLICY}`)
  if (isSameImage(source, target)) throw usage(`--target is the source itself: ${target}`, 'give another tag')
  return {
    source,
    target,
    prefetchFiles: list === '-' ? await readAll(context.stdin) : await readList(list),
    sourceInsecure: flags.isSet('source-insecure'),
    targetInsecure: flags.isSet('target-insecure'),
    plainHttp: flags.isSet('plain-http'),
    platform: flags.text('platform'),
    workDir: flags.text('work-dir'),
    ...pushOptionsOf(flags),
  }
}

async function readList(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw localFailure(error, `prefetch files ${path}`)
  }
}

async function readAll(stream: CommandContext['stdin']): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of stream) {
    pieces.push(Buffer.from(piece))
    size += piece.length
    if (size > MAX_LIST_BYTES) throw usage(`prefetch files: more than ${MAX_LIST_BYTES} bytes`)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function summaryOf({ source, target, prefetchBlob, fileCount, missing, elapsedMs }: OptimizeResult): string {
  const { size, chunkCount } = prefetchBlob
  const moved = `${fileCount - missing.length} files in ${chunkCount} chunks (${formatBytes(size)}) come first`
  return `optimized ${source.reference} to ${target.reference}@${target.digest}: ${moved}, ${formatSeconds(elapsedMs)}`
}
