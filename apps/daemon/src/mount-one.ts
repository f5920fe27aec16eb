// SPDX-License-Identifier: Apache-2.0
/** Mounts one image, or shows one directory, as a command asks. */
import { stat } from 'node:fs/promises'
import { describeError, isNydusError } from '@nydus/base/error'
import { mountReadOnlyView } from '@nydus/fuse-fs'
import { type BackendMeter, createBackendMeter } from './backend-meter.ts'
import { openBackend } from './backends.ts'
import { type DaemonConfig, parseConfig } from './config.ts'
import type { DataPlane } from './data-planes.ts'
import type { ErofsPlane } from './erofs-plane.ts'
import { createFileAccounting } from './file-accounting.ts'
import type { LiveSettings } from './live-settings.ts'
import { makeDirectories } from './make-directories.ts'
import { type ImageEvent, mountImage } from './mount-image.ts'
import { MountRefusal } from './mount-refusal.ts'
import type { MountCommand, Mounted, MountedRafs } from './mounted.ts'

/** What all mounts of a daemon share. */
export interface MountContext {
  readonly dataPlane: DataPlane
  readonly erofsPlane: ErofsPlane
  /** Threads of each FUSE connection. */
  readonly workers: number
  readonly environment: Readonly<NodeJS.ProcessEnv>
  readonly settings: LiveSettings
  /** Told of everything that happens to the image at `path`. */
  readonly onEvent: (path: string, event: ImageEvent) => void
  /** Aborting undoes what is under way and unmounts what is there. */
  readonly signal: AbortSignal
}

const PASSTHROUGH: readonly string[] = ['passthrough', 'passthroughfs', 'passthrough_fs']

/** Tells whether the command can be tried at all. @throws {MountRefusal} `type`. */
export function checkType({ fsType }: MountCommand): void {
  if (fsType === 'rafs' || PASSTHROUGH.includes(fsType)) return
  throw new MountRefusal(
    'type',
    `only 'rafs' and 'passthrough_fs' are supported, but ${fsType} was specified`,
  )
}

/**
 * Mounts at `directory`.
 * @param path the place inside the daemon's mount.
 * @throws {MountRefusal} with what is wrong with configuration, bootstrap or device; {FuseError} when mounting fails.
 */
export function mountOne(
  path: string,
  directory: string,
  command: MountCommand,
  context: MountContext,
): Promise<Mounted> {
  checkType(command)
  return command.fsType === 'rafs'
    ? mountRafsAt(path, directory, command, context)
    : showDirectory(path, directory, command.source)
}

async function showDirectory(path: string, directory: string, source: string): Promise<Mounted> {
  const found = await stat(source).catch((cause: unknown) => {
    throw new MountRefusal('passthrough', describeError(cause), cause)
  })
  if (!found.isDirectory()) throw new MountRefusal('passthrough', `${source} is not a directory`)
  const { unmount, closed } = await mountReadOnlyView(source, directory)
  return { path, type: 'PassthroughFs', mountedAt: new Date(), unmount, closed }
}

async function mountRafsAt(
  path: string,
  directory: string,
  command: MountCommand,
  context: MountContext,
): Promise<MountedRafs> {
  const config = configOf(command, path, context)
  await checkDirectories(config)
  const meter = createBackendMeter()
  const accounting = createFileAccounting(config.accounting)
  const image = await mountImage({
    bootstrap: command.source,
    backend: openBackend(config.backend, () => context.settings.get(path).registry_auth),
    cacheDir: config.cacheDir,
    storage: config.storage,
    volatileMap: config.volatileMap,
    mountpoint: directory,
    amplifyBytes: config.amplifyBytes,
    validate: config.validate,
    workers: context.workers,
    compatAttrs: true,
    dataPlane: planeFor(config, context.dataPlane),
    erofsPlane: context.erofsPlane,
    onEvent: (event) => {
      countFetch(meter, event)
      context.onEvent(path, event)
    },
    ...(accounting === undefined ? {} : { onAccess: accounting.count }),
    signal: context.signal,
  }).catch((error: unknown) => {
    throw refusalOf(error)
  })
  const { unmount, closed } = image
  return { path, type: 'Rafs', config, image, meter, accounting, mountedAt: new Date(), unmount, closed }
}

function configOf(command: MountCommand, path: string, { environment }: MountContext): DaemonConfig {
  if (typeof command.config !== 'string') return command.config
  try {
    return parseConfig(command.config, `of ${path}`, environment)
  } catch (error) {
    throw new MountRefusal('config', describeError(error), error)
  }
}

/** Found out at the mount and not at the first read. */
async function checkDirectories({ backend, cacheDir }: DaemonConfig): Promise<void> {
  try {
    if (backend.type === 'localfs' && backend.config.dir !== '') await stat(backend.config.dir)
    await makeDirectories(cacheDir)
  } catch (cause) {
    throw new MountRefusal('device', describeError(cause), cause)
  }
}

/** Only FUSE can count what is done to each file. */
function planeFor({ accounting }: DaemonConfig, wanted: DataPlane): DataPlane {
  const counts = accounting.files || accounting.pattern || accounting.latest
  return wanted === 'auto' && counts ? 'fuse' : wanted
}

function countFetch(meter: BackendMeter, event: ImageEvent): void {
  if (event.kind === 'fetch') meter.count(event.length, event.ms)
}

/** The error of a mount that has no better name stays what it is. */
function refusalOf(error: unknown): unknown {
  if (!isNydusError(error)) return error
  const isFormat = error.code.startsWith('ERR_FORMAT') || error.details.bootstrap !== undefined
  return isFormat ? new MountRefusal('bootstrap', describeError(error), error) : error
}
