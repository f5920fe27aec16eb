// SPDX-License-Identifier: Apache-2.0
/** `nydus copy`: flags → options → `copyImage` → a line or JSON. */

import { createCopyDisplay } from '../copy/copy-display.ts'
import { copyImage } from '../copy/copy-image.ts'
import type { CopyOptions, CopyResult } from '../copy/copy-options.ts'
import { isSameImage } from '../copy/image-text.ts'
import { formatBytes, formatSeconds } from '../render/format.ts'
import { openLog } from '../render/log.ts'
import { backendOf } from './backend-flag.ts'
import type { CommandContext } from './context.ts'
import type { FlagValues } from './flag.ts'
import { logLevelOf } from './global-flags.ts'
import { needFlag, platformsOf, pushOptionsOf } from './image-flags.ts'
import { usage } from './usage.ts'

const HINT = 'nydus copy --source IMAGE --target IMAGE'

/** Runs the command. @returns the exit status. */
export async function runCopy(flags: FlagValues, context: CommandContext): Promise<number> {
  const options = copyOptionsOf(flags)
  const { stderr, env, signal } = context
  const log = openLog({ stream: stderr, level: logLevelOf(flags), file: flags.text('log-file'), env })
  const display = createCopyDisplay(log)
  try {
    for (const note of flags.notes) log.warn(note)
    const result = await copyImage({ ...options, onEvent: display.onEvent, signal })
    display.close()
    context.stdout.write(`${flags.isSet('json') ? JSON.stringify(result) : summaryOf(result)}\n`)
    return 0
  } finally {
    display.close()
    log.close()
  }
}

/** Options of the copy that the flags describe. @throws {NydusError} ERR_USAGE */
export function copyOptionsOf(flags: FlagValues): CopyOptions {
  const source = needFlag(flags, 'source', HINT)
  const target = needFlag(flags, 'target', HINT)
  if (flags.isSet('all-platforms') && flags.isSet('platform')) {
    throw usage('--platform and --all-platforms exclude each other')
  }
  const backend = backendOf(flags, 'source-')
  if (backend === undefined && isSameImage(source, target)) {
    throw usage(`--target is the source itself: ${target}`, 'give another tag')
  }
  return {
    source,
    target,
    sourceInsecure: flags.isSet('source-insecure'),
    targetInsecure: flags.isSet('target-insecure'),
    plainHttp: flags.isSet('plain-http'),
    platforms: platformsOf(flags),
    sourceBackend: backend,
    ...pushOptionsOf(flags),
  }
}

function summaryOf({ source, target, images, blobs, elapsedMs }: CopyResult): string {
  const { exists, mounted, streamed } = blobs
  const parts = [
    `${images.length} ${images.length === 1 ? 'image' : 'images'}`,
    `${streamed.count} blobs copied (${formatBytes(streamed.bytes)})`,
    `${mounted.count} mounted`,
    `${exists.count} were there`,
    formatSeconds(elapsedMs),
  ]
  const digest =
    source.digest === target.digest ? target.digest : `${target.digest} (not the source's digest)`
  return `copied ${source.reference} to ${target.reference}@${digest}: ${parts.join(', ')}`
}
