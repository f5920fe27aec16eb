// SPDX-License-Identifier: Apache-2.0
/** `nydusctl`: the command line, and one call of the API for each command. */
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { describeError, isNydusError } from '@nydus/base/error'
import { Argument, Command, CommanderError, Option } from 'commander'
import type { ParserOutput } from '../arguments.ts'
import { DaemonError } from '../daemon-error.ts'
import { formatVersion, VERSION } from '../version.ts'
import { type ApiClient, createApiClient, type Document } from './api-client.ts'
import { showInfo, showRaw } from './show-info.ts'
import { showBackend, showBackendDelta, showCache, showFsStats } from './show-metrics.ts'

const FAILED = 1
const BAD_USAGE = 2

/** A category of metrics: where it is, and how people read it. */
const METRICS = {
  backend: { path: 'v1/metrics/backend', show: showBackend },
  cache: { path: 'v1/metrics/blobcache', show: showCache },
  fsstats: { path: 'v1/metrics', show: showFsStats },
} as const
type Category = keyof typeof METRICS

interface MountOptions {
  readonly source: string
  readonly config: string
  readonly mountpoint: string
  readonly type: string
}

/**
 * Runs one command.
 * @returns the exit status: 0, 1 for what failed, 2 for a line that makes no sense.
 */
export async function runNydusctl(argv: readonly string[], output: ParserOutput): Promise<number> {
  try {
    await buildProgram(output).parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_USAGE
    output.err(`Error: ${isNydusError(error) ? error.message : describeError(error)}\n`)
    return FAILED
  }
}

function buildProgram(output: ParserOutput): Command {
  const program = new Command('nydusctl')
    .description('A client to query and configure the nydusd daemon')
    .version(formatVersion(VERSION), '-V, --version')
    .requiredOption('-S, --sock <sock>', 'Sets file path for the nydusd API socket')
    .option('-r, --raw', 'Outputs messages in plain json mode')
    .exitOverride()
    .configureOutput({ writeOut: output.out, writeErr: output.err })
    .action(() => {})
    .allowExcessArguments(false)
  const client = (): ApiClient => createApiClient(program.opts<{ sock: string }>().sock)
  const print = (document: Document, show: (document: Document) => string): void =>
    output.out(program.opts<{ raw?: true }>().raw === true ? showRaw(document) : show(document))
  program
    .command('info')
    .description('Gets information about the nydusd daemon')
    .action(async () => print(await client().get('v1/daemon'), showInfo))
  program
    .command('set')
    .description('Configures parameters for the nydusd daemon')
    .addArgument(new Argument('<KIND>', 'the parameter to configure').choices(['log-level']))
    .argument('<VALUE>', 'trace, debug, info, warn, error')
    .action((_: string, level: string) => client().send('PUT', 'v1/daemon', { log_level: level }))
  program
    .command('metrics')
    .description('Gets runtime metrics about backend, cache and filesystems')
    .addArgument(new Argument('<category>', 'the metrics category to fetch').choices(Object.keys(METRICS)))
    .option('-I, --interval <seconds>', 'interval to refresh the metrics')
    .action(async (category: Category, { interval }: { readonly interval?: string }) => {
      const { path, show } = METRICS[category]
      const metrics = await client().get(path)
      if (category === 'backend' && interval !== undefined)
        await watchBackend(client(), metrics, parseInterval(interval), output)
      print(metrics, show)
    })
  addMountCommands(program, client)
  return program
}

function addMountCommands(program: Command, client: () => ApiClient): void {
  program
    .command('mount')
    .description('Mounts a new filesystem instance')
    .requiredOption('-s, --source <source>', 'Storage backend for the filesystem instance')
    .requiredOption('-c, --config <config>', 'Configuration file for the new filesystem instance')
    .requiredOption('-m, --mountpoint <mountpoint>', 'Mountpoint for the new filesystem instance')
    .addOption(
      new Option('-t, --type <type>', 'Type of the new filesystem instance')
        .choices(['rafs', 'passthrough_fs'])
        .makeOptionMandatory(),
    )
    .action(async ({ source, config, mountpoint, type }: MountOptions) => {
      const text = await readFile(config, 'utf8').catch((cause: unknown) => {
        throw new DaemonError('ERR_USAGE', `failed to read mount config ${config}`, { cause })
      })
      await client().send('POST', mountPath(mountpoint), { source, fs_type: type, config: text })
    })
  program
    .command('umount')
    .description('Umounts a filesystem instance')
    .requiredOption('-m <mountpoint>', 'Mountpoint of the filesystem instance')
    .action(({ m }: { readonly m: string }) => client().send('DELETE', mountPath(m)))
}

function mountPath(mountpoint: string): string {
  return `v1/mount?mountpoint=${encodeURIComponent(mountpoint)}`
}

function parseInterval(text: string): number {
  const seconds = Number(text)
  if (Number.isInteger(seconds) && seconds > 0 && seconds <= 86_400) return seconds
  throw new DaemonError(
    'ERR_USAGE',
    `Invalid interval input. ${JSON.stringify(text)} is not a number of seconds`,
  )
}

/** Until it is interrupted, or the daemon is gone. */
async function watchBackend(
  client: ApiClient,
  first: Document,
  seconds: number,
  output: ParserOutput,
): Promise<never> {
  let before = first
  for (;;) {
    await delay(seconds * 1000)
    const after = await client.get(METRICS.backend.path)
    output.out(showBackendDelta(before, after, seconds))
    before = after
  }
}
