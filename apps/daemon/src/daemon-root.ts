// SPDX-License-Identifier: Apache-2.0
/** The daemon's mountpoint: one image or directory, or a tree of directories that images are mounted on. */
import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isNydusError } from '@nydus/base/error'
import { detachDeadMount, mountImageTree } from '@nydus/fuse-fs'
import type { FuseArguments } from './arguments.ts'
import { type DaemonConfig, loadConfig, localfsConfig } from './config.ts'
import { DaemonError } from './daemon-error.ts'
import { normalMountPath } from './mount-path.ts'
import { createMountPlaces } from './mount-place.ts'
import { MountRefusal } from './mount-refusal.ts'
import type { MountTable } from './mount-table.ts'
import type { MountCommand } from './mounted.ts'

/** What is mounted at the daemon's mountpoint. */
export interface DaemonRoot {
  /** Resolves when it is gone, whoever unmounted it. */
  readonly closed: Promise<unknown>
  unmount(): Promise<void>
}

/**
 * Mounts what the command line asks for. Without root there is no tree: images are mounted on directories made below the
 * mountpoint.
 * @throws {FuseError | FormatError | DaemonError} when that fails; then nothing is mounted.
 */
export async function openRoot(
  args: FuseArguments,
  config: DaemonConfig | undefined,
  mounts: MountTable,
): Promise<DaemonRoot> {
  const first = firstCommand(args, config)
  const path = normalMountPath(args.virtualMountpoint)
  if (process.geteuid?.() === 0) await detachDeadMount(resolve(args.mountpoint))
  if (first !== undefined && path === '/') {
    mounts.open(createMountPlaces(args.mountpoint))
    const mounted = await mountFirst(mounts, '/', first)
    mounts.open(createMountPlaces(await realpathOf(args.mountpoint)))
    return { closed: mounted.closed, unmount: async () => {} }
  }
  const root = await openTree(args.mountpoint)
  mounts.open(createMountPlaces(root.mountpoint))
  try {
    if (first !== undefined) await mountFirst(mounts, path, first)
    return root
  } catch (error) {
    await root.unmount()
    throw error
  }
}

/** The configuration that the command line names. @throws {DaemonError} ERR_CONFIG_INVALID */
export async function configOf(
  { source }: FuseArguments,
  environment: Readonly<NodeJS.ProcessEnv>,
): Promise<DaemonConfig | undefined> {
  if (source === undefined) return undefined
  return 'config' in source ? loadConfig(source.config, environment) : localfsConfig(source.localfsDir)
}

function firstCommand(args: FuseArguments, config: DaemonConfig | undefined): MountCommand | undefined {
  if (args.bootstrap !== undefined && config !== undefined)
    return { fsType: 'rafs', source: args.bootstrap, config }
  if (args.sharedDir !== undefined) return { fsType: 'passthrough', source: args.sharedDir, config: '' }
  return undefined
}

/** Whoever reads the error wants to know what happened, not who refused. */
async function mountFirst(mounts: MountTable, path: string, command: MountCommand) {
  try {
    return await mounts.mount(path, command)
  } catch (error) {
    throw error instanceof MountRefusal && isNydusError(error.cause) ? error.cause : error
  }
}

async function openTree(mountpoint: string): Promise<DaemonRoot & { readonly mountpoint: string }> {
  if (process.geteuid?.() === 0) return mountImageTree(resolve(mountpoint))
  return {
    mountpoint: await realpathOf(mountpoint),
    closed: new Promise<never>(() => {}),
    unmount: async () => {},
  }
}

function realpathOf(mountpoint: string): Promise<string> {
  return realpath(mountpoint).catch((cause: unknown) => {
    throw new DaemonError('ERR_FUSE_MOUNT_FAILED', `mountpoint ${mountpoint} cannot be used`, {
      cause,
      hint: 'create it',
    })
  })
}
