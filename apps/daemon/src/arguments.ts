// SPDX-License-Identifier: Apache-2.0
/** The command line. Statuses are the original's: 0 for help and version, 2 for lines that make no sense. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { DaemonError } from './daemon-error.ts'
import { DATA_PLANES, type DataPlane } from './data-planes.ts'
import { formatVersion, VERSION } from './version.ts'

/** Log levels, the most talkative first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const
/** Names that `--log-level` takes. */
export type LogLevel = (typeof LOG_LEVELS)[number]

/** What `nydusd fuse` was asked to do. */
export interface FuseArguments {
  readonly mountpoint: string
  /** Image to mount at the start. Without it, and without `sharedDir`, mounts come through the API. */
  readonly bootstrap?: string
  /** Directory to show read-only. */
  readonly sharedDir?: string
  /** Place of that image or directory inside the mount: `/`, or a path for which a tree is made. */
  readonly virtualMountpoint: string
  /** A configuration file, or a directory with blobs and their cache. */
  readonly source?: { readonly config: string } | { readonly localfsDir: string }
  /** File with paths to fetch ahead, one a line. */
  readonly prefetchFiles?: string
  /** Name for the supervisor. */
  readonly id?: string
  /** Socket of the supervisor. */
  readonly supervisor?: string
  readonly apisock?: string
  readonly logLevel: LogLevel
  /** Has the extension `.log` or another one. */
  readonly logFile?: string
  /** Bytes from which on a new log file is begun; 0 for never. */
  readonly logRotationBytes: number
  /** Threads that answer the kernel. */
  readonly threads: number
  /** Who serves the files: FUSE workers, or the kernel's EROFS over blob devices. */
  readonly dataPlane: DataPlane
}

/** Where help and complaints of the parser go. */
export interface ParserOutput {
  out(text: string): void
  err(text: string): void
}

const MAX_THREADS = 1024
const MEGABYTE = 1 << 20

/** Accepted by the parser, so that we can say why they do not work. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  upgrade: 'hot upgrade',
  writable: 'a writable mount',
  dedupDb: 'a deduplication database',
  hybridMode: 'hybrid mode',
}
const UNSUPPORTED_COMMANDS = ['virtiofs', 'singleton', 'nbd', 'uffd'] as const
const COMMANDS: readonly string[] = ['fuse', 'help', ...UNSUPPORTED_COMMANDS]

type RawOptions = Readonly<Record<string, unknown>>

/**
 * Parses the arguments behind the program's name.
 * @returns the arguments, or the exit status when there is nothing to do any more.
 * @throws {DaemonError} ERR_USAGE for what is understood but not supported, or cannot work.
 */
export function parseArguments(
  argv: readonly string[],
  output: ParserOutput,
): FuseArguments | { readonly exit: number } {
  let found: RawOptions | undefined
  const program = buildProgram(output, (options) => {
    found = options
  })
  const [first] = argv
  if (first !== undefined && !first.startsWith('-') && !COMMANDS.includes(first)) {
    output.err(`error: unrecognized subcommand '${first}'\n`)
    return { exit: 2 }
  }
  try {
    program.parse(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return { exit: error.exitCode === 0 ? 0 : 2 }
    throw error
  }
  if (found === undefined) return { exit: 0 }
  const lacking = lackingPartner(found)
  if (lacking === undefined) return checkOptions(found)
  output.err(`error: ${lacking}\n`)
  return { exit: 2 }
}

/** Options that mean nothing alone. */
function lackingPartner(options: RawOptions): string | undefined {
  const has = (name: string): boolean => options[name] !== undefined
  if (has('id') !== has('supervisor')) return '--id and --supervisor belong together'
  if (has('prefetchFiles') && !has('bootstrap')) return '--prefetch-files needs --bootstrap'
  return undefined
}

function buildProgram(output: ParserOutput, onFuse: (options: RawOptions) => void): Command {
  const program = new Command('nydusd')
    .description('mounts Nydus images and fetches their data when it is read')
    .version(formatVersion(VERSION), '-V, --version')
    .exitOverride()
    .configureOutput({ writeOut: output.out, writeErr: output.err })
  fuseOptions(
    program.command('fuse', { isDefault: true }).description('mount an image with FUSE (the default)'),
  ).action((options: RawOptions) => onFuse(options))
  for (const name of UNSUPPORTED_COMMANDS) {
    program
      .command(name, { hidden: true })
      .allowUnknownOption()
      .allowExcessArguments()
      .helpOption(false)
      .action(() => {
        throw unsupported(`nydusd ${name}`)
      })
  }
  return program
}

function fuseOptions(command: Command): Command {
  const text = (flags: string, description?: string): Option => new Option(flags, description).argParser(once)
  const visible = [
    text('-M, --mountpoint <dir>', 'directory to mount on').makeOptionMandatory(),
    text(
      '-B, --bootstrap <file>',
      'bootstrap of the image; without it images come through the API',
    ).conflicts('sharedDir'),
    text('-C, --config <file>', 'configuration: JSON of version 1 or 2, or TOML of version 2').conflicts(
      'localfsDir',
    ),
    text('-D, --localfs-dir <dir>', 'directory with the blobs, and for their cache; replaces --config'),
    text('-A, --apisock <path>', 'unix socket of the HTTP API'),
    new Option('-l, --log-level <level>', 'least important level to log').choices(LOG_LEVELS).default('info'),
    text('-L, --log-file <file>', 'log there, not to stderr; .log is added to a name without extension'),
    new Option('--log-rotation-size <MB>', 'begin a new log file at this size; 0: never').argParser(
      countOrFail,
    ),
    new Option('--fuse-threads <count>', 'threads that answer the kernel').argParser(parseThreads).default(4),
    new Option(
      '--data-plane <plane>',
      'fuse, or the kernel reads the image itself: erofs; auto: erofs if it can',
    )
      .choices(DATA_PLANES)
      .default('fuse'),
    text('-s, --shared-dir <dir>', 'show this directory read-only instead of an image'),
    text('-m, --virtual-mountpoint <path>', 'place of the image inside the mount; default: /'),
  ]
  const hidden = [
    new Option('--thread-num <count>').argParser(parseThreads),
    new Option('--failover-policy <policy>').choices(['none', 'resend', 'flush']),
    new Option('--rlimit-nofile <count>').argParser(countOrFail),
    text('--prefetch-files <file>'),
    ...['--dedup-db <file>', '--id <id>', '--supervisor <path>'].map((flags) => text(flags)),
    ...['--upgrade', '--writable', '--hybrid-mode'].map((flags) => new Option(flags)),
  ]
  for (const option of visible) command.addOption(option)
  for (const option of hidden) command.addOption(option.hideHelp())
  return command.allowExcessArguments(false)
}

function once(value: string, previous: string | undefined): string {
  if (previous !== undefined) throw new InvalidArgumentError('it was given twice')
  return value
}

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('not a number')
  return Number(text)
}

/** As the original: not a fault of the command line, but a failure. */
function countOrFail(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new DaemonError('ERR_USAGE', `${JSON.stringify(text)} is not a number`)
}

function parseThreads(text: string): number {
  const threads = parseCount(text)
  if (threads < 1 || threads > MAX_THREADS) throw new InvalidArgumentError(`valid range: 1-${MAX_THREADS}`)
  return threads
}

function checkOptions(options: RawOptions): FuseArguments {
  for (const [name, what] of Object.entries(UNSUPPORTED))
    if (options[name] !== undefined) throw unsupported(what)
  const optional = {
    ...member(options, 'bootstrap'),
    ...member(options, 'sharedDir'),
    ...member(options, 'apisock'),
    ...member(options, 'prefetchFiles'),
    ...member(options, 'id'),
    ...member(options, 'supervisor'),
  }
  const logFile = textOf(options, 'logFile')
  const source = sourceOf(options)
  if (optional.bootstrap !== undefined && source === undefined) {
    throw new DaemonError('ERR_USAGE', 'nothing says where the blobs are', {
      hint: 'add --config FILE or --localfs-dir DIR',
    })
  }
  return {
    mountpoint: textOf(options, 'mountpoint') ?? '',
    virtualMountpoint: textOf(options, 'virtualMountpoint') ?? '/',
    logLevel: options.logLevel as LogLevel,
    logRotationBytes: Number(options.logRotationSize ?? 0) * MEGABYTE,
    threads: (options.threadNum ?? options.fuseThreads) as number,
    dataPlane: options.dataPlane as DataPlane,
    ...optional,
    ...(source === undefined ? {} : { source }),
    ...(logFile === undefined ? {} : { logFile: withExtension(logFile) }),
  }
}

function sourceOf(options: RawOptions): FuseArguments['source'] | undefined {
  const config = textOf(options, 'config')
  if (config !== undefined) return { config }
  const localfsDir = textOf(options, 'localfsDir')
  return localfsDir === undefined ? undefined : { localfsDir }
}

function member<K extends string>(options: RawOptions, name: K): { readonly [P in K]?: string } {
  const value = textOf(options, name)
  return value === undefined ? {} : ({ [name]: value } as { readonly [P in K]?: string })
}

function textOf(options: RawOptions, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

function withExtension(path: string): string {
  return /[^/]\.[^./]+$/.test(path) ? path : `${path}.log`
}

function unsupported(what: string): DaemonError {
  return new DaemonError('ERR_USAGE', `${what} is not supported yet`, {
    hint: 'see nydusd --help for what is',
  })
}
