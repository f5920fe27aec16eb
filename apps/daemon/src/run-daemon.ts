// SPDX-License-Identifier: Apache-2.0
/** The life of the daemon: configuration, API, mount, waiting, and the way out. */
import { availableParallelism } from 'node:os'
import { describeError } from '@nydus/base/error'
import type { Logger } from 'pino'
import { type BackendInfo, backendInfo, type DaemonInfo } from './api/daemon-info.ts'
import { type ApiServer, startApiServer } from './api/server.ts'
import type { FuseArguments } from './arguments.ts'
import { type DaemonConfig, loadConfig, localfsConfig } from './config.ts'
import { DaemonError } from './daemon-error.ts'
import { createStateMachine, type StateMachine } from './daemon-state.ts'
import { createMemoryKeeper } from './memory-keeper.ts'
import { type ImageEvent, type MountedImage, mountImage } from './mount-image.ts'
import { VERSION } from './version.ts'

/** How long persisting the caches may delay the exit. What is not persisted is fetched again, nothing else is lost. */
const CLOSE_MS = 2000
/** Threads never wait for the network, so more than there are processors only cost memory (16 MB each, measured). */
const MIN_WORKERS = 2
const MAX_WORKERS = 64

/** What the daemon takes from its process. */
export interface DaemonPorts {
  readonly environment: Readonly<NodeJS.ProcessEnv>
  readonly logger: Logger
  /** Aborts when the daemon is to unmount and exit. */
  readonly stop: AbortSignal
}

/** Mounts and serves until `stop` aborts or somebody unmounts. On failure nothing is left behind. */
export async function runDaemon(args: FuseArguments, ports: DaemonPorts): Promise<void> {
  const { logger, stop } = ports
  const { package_ver: version, git_commit: commit } = VERSION
  logger.info(`nydusd ${version} (${commit}, ${VERSION.rustc})`)
  const config =
    'config' in args.source
      ? await loadConfig(args.source.config, ports.environment)
      : localfsConfig(args.source.localfsDir)
  if (config.prefetch) logger.warn('fs_prefetch is not supported yet: data is fetched when it is read')
  warnOfHeaders(ports.environment, logger)
  const machine = createStateMachine((from, to) => logger.info(`state: ${from} → ${to}`))
  const mounted = new Map<string, BackendInfo>()
  const api = await startApi(args, machine, mounted, logger)
  try {
    let death: DaemonError | undefined
    const onDeath = (cause: unknown): void => {
      death = new DaemonError('ERR_FUSE_PROTOCOL', 'a FUSE thread died', { cause })
    }
    const image = await mount(args, config, logger, stop, onDeath).catch((error: unknown) => {
      if (!stop.aborted) throw error
    })
    if (image === undefined) {
      logger.info('stopped before the image was mounted')
      return
    }
    mounted.set('/', backendInfo(config.description, new Date()))
    machine.advance('READY')
    machine.advance('RUNNING')
    logger.info(`${args.bootstrap} is mounted on ${image.mountpoint}`)
    await serve(image, stop)
    warnOfCaches(image, logger)
    if (death !== undefined) throw death
  } finally {
    if (machine.state !== 'STOPPED') machine.advance('STOPPED')
    await api?.close()
  }
}

/** The original adds such headers to each request: whoever sets them must learn that we do not. */
function warnOfHeaders(environment: DaemonPorts['environment'], logger: Logger): void {
  const names = Object.keys(environment).filter((name) => name.startsWith('NYDUS_HEADER_'))
  if (names.length > 0) logger.warn(`${names.join(', ')}: additional headers are not supported yet`)
}

async function startApi(
  args: FuseArguments,
  machine: StateMachine,
  mounted: ReadonlyMap<string, BackendInfo>,
  logger: Logger,
): Promise<ApiServer | undefined> {
  if (args.apisock === undefined) return undefined
  const info = (): DaemonInfo => ({
    version: VERSION,
    id: null,
    supervisor: null,
    state: machine.state,
    backend_collection: Object.fromEntries(mounted),
  })
  const api = await startApiServer(args.apisock, {
    info,
    setLogLevel: (level) => {
      logger.level = level
    },
  })
  logger.info(`API on ${args.apisock}`)
  return api
}

function mount(
  args: FuseArguments,
  config: DaemonConfig,
  logger: Logger,
  signal: AbortSignal,
  onDeath: (cause: unknown) => void,
): Promise<MountedImage> {
  const memory = createMemoryKeeper()
  return mountImage({
    bootstrap: args.bootstrap,
    backend: config.backend,
    cacheDir: config.cacheDir,
    mountpoint: args.mountpoint,
    amplifyBytes: config.amplifyBytes,
    validate: config.validate,
    workers: Math.min(args.threads, MAX_WORKERS, Math.max(MIN_WORKERS, availableParallelism())),
    compatAttrs: true,
    onEvent: (event) => {
      if (event.kind === 'fetch' || event.kind === 'ready') memory.touch()
      if (event.kind === 'closed' && event.reason === 'worker') onDeath(event.error)
      logEvent(logger, event)
    },
    signal,
  })
}

/** What could not be made durable is fetched again by the next mount; the reason is a disk that somebody has to look at. */
function warnOfCaches(image: MountedImage, logger: Logger): void {
  for (const { blobId, persistFailure } of image.stats().blobs)
    if (persistFailure !== undefined) logger.warn(`cache of blob ${blobId}: ${describeError(persistFailure)}`)
}

async function serve(image: MountedImage, stop: AbortSignal): Promise<void> {
  const stopped = new Promise<'stop'>((resolve) => {
    if (stop.aborted) resolve('stop')
    stop.addEventListener('abort', () => resolve('stop'), { once: true })
  })
  await Promise.race([image.closed, stopped])
  await Promise.race([image.unmount(), new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())])
}

function logEvent(logger: Logger, event: ImageEvent): void {
  switch (event.kind) {
    case 'fetch':
      logger.debug(
        `fetched ${event.length} bytes at ${event.offset} of blob ${event.blobId} in ${Math.round(event.ms)} ms (${event.reason})`,
      )
      return
    case 'full':
      logger.warn(`${event.message}: what is read from it is fetched each time`)
      return
    case 'failure':
      logger.error(`${event.operation} of inode ${event.nid} failed: ${event.message}`)
      return
    case 'ready':
      logger.info(`FUSE protocol ${event.protocol}, ${event.workers} threads`)
      return
    case 'closed':
      if (event.reason === 'worker') logger.error(`a FUSE thread died: ${describeError(event.error)}`)
      else logger.info(event.reason === 'kernel' ? 'unmounted from outside' : 'unmounted')
  }
}
