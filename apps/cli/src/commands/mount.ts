// SPDX-License-Identifier: Apache-2.0
/** `nydus mount IMAGE DIR`: mounts in the foreground, shows what is fetched, unmounts when interrupted. */
import { NydusError } from '@nydus/base/error'
import { makeDirectories } from '@nydus/registry-client'
import { localFailure, openWorkDirectory } from '../convert/work-directory.ts'
import { mountRemoteImage } from '../mount/mount-remote-image.ts'
import { formatBytes } from '../render/format.ts'
import { openLog } from '../render/log.ts'
import { createMountDisplay } from '../render/mount-display.ts'
import type { CommandContext } from './context.ts'
import type { FlagValues } from './flag.ts'
import { logLevelOf } from './global-flags.ts'

const WORKER_DIED = 'a thread that serves the mount has died'

/** Runs the command until the mount is gone. @returns the exit status: 0 also after Ctrl-C. */
export async function runMount(
  flags: FlagValues,
  context: CommandContext,
  operands: readonly string[],
): Promise<number> {
  const { image, mountpoint } = placesOf(flags, operands)
  const log = openLog({
    stream: context.stderr,
    level: logLevelOf(flags),
    file: flags.text('log-file'),
    env: context.env,
  })
  for (const note of flags.notes) log.warn(note)
  const kept = flags.text('cache-dir')
  const work = kept === undefined ? openWorkDirectory(flags.text('work-dir') ?? './tmp') : undefined
  const display = createMountDisplay(log)
  const platform = flags.text('platform')
  let fault: unknown
  try {
    if (context.calledAs === 'nydusify') makeMountpoint(mountpoint)
    const mounted = await mountRemoteImage({
      image,
      mountpoint,
      cacheDir: kept ?? work?.path ?? '',
      insecure: flags.isSet('target-insecure'),
      plainHttp: flags.isSet('plain-http'),
      ...(platform === undefined ? {} : { platform }),
      onEvent(event) {
        display.onEvent(event)
        if (event.kind === 'closed' && event.reason === 'worker')
          fault = event.error ?? new Error(WORKER_DIED)
      },
      signal: context.signal,
    })
    display.start(mounted.blobBytes)
    log.info(`mounted ${mounted.reference} at ${mounted.mountpoint} (${mounted.transport}); Ctrl-C unmounts`)
    await mounted.closed
    display.close()
    if (fault !== undefined) throw fault
    log.info(`unmounted ${mounted.mountpoint}; ${formatBytes(display.fetchedBytes())} were fetched`)
    return 0
  } finally {
    display.close()
    work?.close()
    log.close()
  }
}

/** The original makes it too. */
function makeMountpoint(path: string): void {
  try {
    makeDirectories(path)
  } catch (error) {
    throw localFailure(error, `mountpoint ${path}`)
  }
}

function placesOf(flags: FlagValues, operands: readonly string[]): { image: string; mountpoint: string } {
  const image = flags.text('target') ?? operands[0]
  const rest = flags.text('target') === undefined ? operands.slice(1) : operands
  const mountpoint =
    flags.text('mount-path') ?? rest[0] ?? (flags.text('target') === undefined ? undefined : './image-fs')
  const count = rest.length - (flags.text('mount-path') === undefined ? 1 : 0)
  if (image !== undefined && mountpoint !== undefined && count <= 0) return { image, mountpoint }
  throw new NydusError('ERR_USAGE', 'expected an image and a directory', { hint: 'nydus mount IMAGE DIR' })
}
