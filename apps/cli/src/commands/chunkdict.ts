// SPDX-License-Identifier: Apache-2.0
/** `nydus chunkdict generate`: flags → options → `generateDictionary` → a line or JSON. */
import { type GenerateResult, generateDictionary } from '../chunkdict/generate-dictionary.ts'
import { createCopyDisplay } from '../copy/copy-display.ts'
import { formatSeconds } from '../render/format.ts'
import { openLog } from '../render/log.ts'
import type { CommandContext } from './context.ts'
import type { FlagValues } from './flag.ts'
import { logLevelOf } from './global-flags.ts'
import { needFlag, pushOptionsOf } from './image-flags.ts'
import { usage } from './usage.ts'

const HINT = 'nydus chunkdict generate --sources IMAGE,IMAGE --target IMAGE'

/** Runs the command. @returns the exit status. */
export async function runChunkDict(
  flags: FlagValues,
  context: CommandContext,
  operands: readonly string[],
): Promise<number> {
  if (operands.length !== 1 || operands[0] !== 'generate') throw usage('expected chunkdict generate', HINT)
  const sources = needFlag(flags, 'sources', HINT)
    .split(',')
    .map((name) => name.trim())
  const { stderr, env, signal } = context
  const log = openLog({ stream: stderr, level: logLevelOf(flags), file: flags.text('log-file'), env })
  const display = createCopyDisplay(log)
  try {
    for (const note of flags.notes) log.warn(note)
    const result = await generateDictionary({
      sources: sources.filter((name) => name !== ''),
      target: flags.text('target'),
      sourceInsecure: flags.isSet('source-insecure'),
      targetInsecure: flags.isSet('target-insecure'),
      plainHttp: flags.isSet('plain-http'),
      platform: flags.text('platform'),
      workDir: flags.text('work-dir') ?? './output',
      ...pushOptionsOf(flags),
      onEvent: display.onEvent,
      signal,
    })
    display.close()
    for (const image of result.noiseImages)
      log.info(`${image} is like none of the other images: a dictionary is of little use for it`)
    context.stdout.write(`${flags.isSet('json') ? JSON.stringify(result) : summaryOf(result)}\n`)
    return 0
  } finally {
    display.close()
    log.close()
  }
}

function summaryOf({ bootstrap, blobIds, chunkCount, target, elapsedMs }: GenerateResult): string {
  const pushed = target === undefined ? '' : `, pushed to ${target.reference}@${target.digest}`
  return `dictionary ${bootstrap}: ${chunkCount} chunks of ${blobIds.length} blobs${pushed}, ${formatSeconds(elapsedMs)}`
}
