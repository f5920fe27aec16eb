// SPDX-License-Identifier: Apache-2.0
/** The life of the daemon: configuration, API, mounts, waiting, and the way out. */
import { availableParallelism } from 'node:os'
import { describeError } from '@nydus/base/error'
import type { Logger } from 'pino'
import { backendCollection } from './api/daemon-info.ts'
import { type ApiServer, startApiServer } from './api/server.ts'
import type { FuseArguments } from './arguments.ts'
import type { DaemonConfig } from './config.ts'
import { DaemonError } from './daemon-error.ts'
import { configOf, type DaemonRoot, openRoot } from './daemon-root.ts'
import { createStateMachine, type StateMachine } from './daemon-state.ts'
import { createErofsPlane, type ErofsPlane } from './erofs-plane.ts'
import { createEventRing, type EventRing } from './event-ring.ts'
import { createImageLog } from './image-log.ts'
import { createLiveSettings, type LiveSettings } from './live-settings.ts'
import { createMemoryKeeper } from './memory-keeper.ts'
import type { ImageEvent } from './mount-image.ts'
import { createMountTable, type MountTable, rafsMounts } from './mount-table.ts'
import { VERSION } from './version.ts'

/** How long persisting the caches may delay the exit. What is not persisted is fetched again, nothing else is lost. */
const CLOSE_MS = 2000
/** How long the kernel may take to let go of images that nobody uses. */
const RELEASE_MS = 200
/** Threads never wait for the network, so more than there are processors only cost memory (16 MB each, measured). */
const MIN_WORKERS = 2
const MAX_WORKERS = 64
/** Of each connection where there may be hundreds: a thread takes some 20 MB. */
const SHARED_WORKERS = 1

/** What the daemon takes from its process. */
export interface DaemonPorts {
  readonly environment: Readonly<NodeJS.ProcessEnv>
  readonly logger: Logger
  /** Aborts when the daemon is to unmount and exit. */
  readonly stop: AbortSignal
}

/** The parts of a running daemon. */
interface Daemon {
  readonly args: FuseArguments
  readonly logger: Logger
  readonly machine: StateMachine
  readonly mounts: MountTable
  readonly events: EventRing
  readonly settings: LiveSettings
  readonly plane: ErofsPlane
  /** Aborts when the daemon must end, for whatever reason. */
  readonly ending: AbortController
  /** Why, if it is a failure. */
  death: DaemonError | undefined
}

/** Mounts and serves until `stop` aborts or somebody unmounts. On failure nothing is left behind. */
export async function runDaemon(args: FuseArguments, ports: DaemonPorts): Promise<void> {
  const { logger, stop } = ports
  const { package_ver: version, git_commit: commit } = VERSION
  logger.info(`nydusd ${version} (${commit}, ${VERSION.rustc})`)
  const config = await configOf(args, ports.environment)
  warnOfMissing(args, config, ports)
  const daemon = createDaemon(args, ports)
  const { machine, ending } = daemon
  stop.addEventListener('abort', () => ending.abort(), { once: true })
  const api = await startApi(daemon)
  try {
    const root = await openRoot(args, config, daemon.mounts).catch((error: unknown) => {
      if (!stop.aborted) throw error
    })
    if (root === undefined) {
      logger.info('stopped before the image was mounted')
      return
    }
    machine.advance('READY')
    machine.advance('RUNNING')
    logMounts(daemon)
    await serve(daemon, root)
    if (daemon.death !== undefined) throw daemon.death
  } finally {
    if (machine.state !== 'STOPPED') machine.advance('STOPPED')
    await daemon.plane.close()
    await api?.close()
  }
}

function createDaemon(args: FuseArguments, { logger, environment, stop }: DaemonPorts): Daemon {
  const events = createEventRing()
  const settings = createLiveSettings()
  const log = createImageLog(logger, events)
  const memory = createMemoryKeeper()
  const ending = new AbortController()
  const onEvent = (path: string, event: ImageEvent): void => {
    if (event.kind === 'fetch' || event.kind === 'ready') memory.touch()
    if (event.kind === 'closed' && event.reason === 'worker') {
      daemon.death ??= new DaemonError('ERR_FUSE_PROTOCOL', 'a FUSE thread died', { cause: event.error })
      ending.abort()
    }
    log(path, event)
  }
  const plane = createErofsPlane({ onEvent: (event) => onEvent('blob devices', event) })
  const { dataPlane } = args
  const mounts = createMountTable(
    { dataPlane, erofsPlane: plane, workers: workersOf(args), environment, settings, onEvent, signal: stop },
    (path) => logger.info(`${path} was unmounted from outside`),
  )
  const machine = createStateMachine((from, to) => logger.info(`state: ${from} → ${to}`))
  const daemon: Daemon = {
    ...{ args, logger, machine, mounts, events, settings, plane, ending },
    death: undefined,
  }
  return daemon
}

function workersOf({ threads, bootstrap }: FuseArguments): number {
  const limit = Math.min(MAX_WORKERS, Math.max(MIN_WORKERS, availableParallelism()))
  return Math.min(threads, bootstrap === undefined ? SHARED_WORKERS : limit)
}

/** Whoever asks for one of these must learn that it does not happen. */
function warnOfMissing(
  args: FuseArguments,
  config: DaemonConfig | undefined,
  { environment, logger }: DaemonPorts,
): void {
  const names = Object.keys(environment).filter((name) => name.startsWith('NYDUS_HEADER_'))
  if (names.length > 0) logger.warn(`${names.join(', ')}: additional headers are not supported yet`)
  if (config?.prefetch.enable === true || args.prefetchFiles !== undefined)
    logger.warn('prefetching is not supported yet: data is fetched when it is read')
  if (args.supervisor !== undefined)
    logger.warn('the supervisor gets no descriptors yet: a restarted daemon mounts anew')
}

async function startApi(daemon: Daemon): Promise<ApiServer | undefined> {
  const { args, logger, machine, mounts, events, settings, ending } = daemon
  if (args.apisock === undefined) return undefined
  const { id = null, supervisor } = args
  const api = await startApiServer(args.apisock, {
    ...{ mounts, events, settings, supervisor },
    info: () => ({
      version: VERSION,
      id,
      supervisor: supervisor ?? null,
      state: machine.state,
      backend_collection: backendCollection(mounts.list()),
    }),
    state: () => machine.state,
    setLogLevel(level) {
      logger.level = level
    },
    onSettings(mountpoint) {
      const keys = Object.keys(settings.get(mountpoint))
      logger.info(`settings of ${mountpoint} are now: ${keys.join(', ')}`)
      const unused = keys.filter((key) => key !== 'registry_auth')
      if (unused.length > 0) logger.warn(`${unused.join(', ')}: kept, but not supported yet`)
    },
    exit: () => ending.abort(),
  })
  logger.info(`API on ${args.apisock}`)
  return api
}

function logMounts({ args, mounts, logger }: Daemon): void {
  if (args.bootstrap === undefined) logger.info(`ready for mounts below ${args.mountpoint}`)
  for (const { image } of rafsMounts(mounts))
    logger.info(`${args.bootstrap} is mounted on ${image.mountpoint}, data plane ${image.dataPlane}`)
}

async function serve(daemon: Daemon, root: DaemonRoot): Promise<void> {
  const { signal } = daemon.ending
  const ended = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await Promise.race([root.closed, ended])
  const images = rafsMounts(daemon.mounts)
  await Promise.race([close(daemon, root), new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())])
  for (const { image } of images) warnOfCaches(image.stats().blobs, daemon.logger)
}

/** The kernel keeps an image whose files are open; without the devices it lets go, and the caches can be closed. */
async function close({ mounts, plane }: Daemon, root: DaemonRoot): Promise<void> {
  const closing = mounts.close()
  await Promise.race([closing, new Promise((resolve) => setTimeout(resolve, RELEASE_MS).unref())])
  await plane.close()
  await closing
  await root.unmount()
}

/** What could not be made durable is fetched again by the next mount; the reason is a disk that somebody has to look at. */
function warnOfCaches(
  blobs: readonly { readonly blobId: string; readonly persistFailure: unknown }[],
  logger: Logger,
): void {
  for (const { blobId, persistFailure } of blobs)
    if (persistFailure !== undefined) logger.warn(`cache of blob ${blobId}: ${describeError(persistFailure)}`)
}
