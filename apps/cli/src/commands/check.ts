// SPDX-License-Identifier: Apache-2.0
/** `nydus check`: flags → options → `checkImage` → findings, a report or JSON. */
import { NydusError } from '@nydus/base/error'
import { type CheckOptions, checkImage, formatFinding, formatReport } from '@nydus/checker'
import { createCheckDisplay } from '../render/check-display.ts'
import { openLog } from '../render/log.ts'
import { mountCallback, saveDocuments } from './check-extras.ts'
import type { CommandContext } from './context.ts'
import type { FlagValues } from './flag.ts'
import { logLevelOf } from './global-flags.ts'

/** Runs the command. @returns the exit status: 1 when there is any finding. */
export async function runCheck(flags: FlagValues, context: CommandContext): Promise<number> {
  const options = checkOptionsOf(flags)
  const log = openLog({
    stream: context.stderr,
    level: logLevelOf(flags),
    file: flags.text('log-file'),
    env: context.env,
  })
  const display = createCheckDisplay(log)
  const json = flags.isSet('json')
  try {
    for (const note of flags.notes) log.warn(note)
    const workDir = flags.text('work-dir') ?? (context.calledAs === 'nydusify' ? './output' : undefined)
    const report = await checkImage({
      ...options,
      ...(flags.isSet('mount') ? { mountTarget: mountCallback(options, context.signal) } : {}),
      ...(workDir === undefined ? {} : { onDocuments: saveDocuments(workDir) }),
      onFinding(finding) {
        display.pause()
        if (!json) context.stdout.write(`${formatFinding(finding)}\n`)
      },
      onProgress: display.onProgress,
      signal: context.signal,
    })
    display.close()
    context.stdout.write(`${json ? JSON.stringify(report) : formatReport(report)}\n`)
    return report.passed ? 0 : 1
  } finally {
    display.close()
    log.close()
  }
}

/** Options of the check that the flags describe. @throws {NydusError} ERR_USAGE */
export function checkOptionsOf(flags: FlagValues): CheckOptions {
  const target = flags.text('target')
  const source = flags.text('source')
  const platform = flags.text('platform')
  if (target === undefined) {
    throw new NydusError('ERR_USAGE', '--target is missing', {
      hint: 'nydus check --source IMAGE --target IMAGE',
    })
  }
  if (flags.isSet('mount') && source === undefined) {
    throw new NydusError('ERR_USAGE', '--mount needs --source', {
      hint: 'there is nothing to compare the mount with',
    })
  }
  return {
    target,
    targetInsecure: flags.isSet('target-insecure'),
    sourceInsecure: flags.isSet('source-insecure'),
    plainHttp: flags.isSet('plain-http'),
    ...(source === undefined ? {} : { source }),
    ...(platform === undefined ? {} : { platform }),
  }
}
