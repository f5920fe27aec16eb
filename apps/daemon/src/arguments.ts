// SPDX-License-Identifier: Apache-2.0
/** The command line. Statuses are the original's: 0 for help and version, 2 for lines that make no sense. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { DaemonError } from './daemon-error.ts'
import { formatVersion, VERSION } from './version.ts'

/** Log levels, the most talkative first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const
/** Names that `--log-level` takes. */
export type LogLevel = (typeof LOG_LEVELS)[number]

/** What `nydusd fuse` was asked to do. */
export interface FuseArguments {
  readonly mountpoint: string
  readonly bootstrap: string
  /** A configuration file, or a directory with blobs and their cache. */
  readonly source: { readonly config: string } | { readonly localfsDir: string }
  readonly apisock?: string
  readonly logLevel: LogLevel
  /** Has the extension `.log` or another one. */
  readonly logFile?: string
  /** Bytes from which on a new log file is begun; 0 for never. */
  readonly logRotationBytes: number
  /** Threads that answer the kernel. */
  readonly threads: number
}

/** Where help and complaints of the parser go. */
export interface ParserOutput {
  out(text: string): void
  err(text: string): void
}

const MAX_THREADS = 1024
const MEGABYTE = 1 << 20

/** Options of later versions: accepted by the parser, so that we can say why they do not work. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  upgrade: 'hot upgrade',
  supervisor: 'a supervisor',
  id: 'a supervisor',
  writable: 'a writable mount',
  prefetchFiles: 'prefetching a list of files',
  sharedDir: 'a passthrough file system',
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
    text('-B, --bootstrap <file>', 'bootstrap of the image (image.boot)').conflicts('sharedDir'),
    text('-C, --config <file>', 'configuration, version 1 JSON').conflicts('localfsDir'),
    text('-D, --localfs-dir <dir>', 'directory with the blobs, and for their cache; replaces --config'),
    text('-A, --apisock <path>', 'unix socket of the HTTP API'),
    new Option('-l, --log-level <level>', 'least important level to log').choices(LOG_LEVELS).default('info'),
    text('-L, --log-file <file>', 'log there, not to stderr; .log is added to a name without extension'),
    new Option('--log-rotation-size <MB>', 'begin a new log file at this size; 0: never').argParser(
      parseCount,
    ),
    new Option('--fuse-threads <count>', 'threads that answer the kernel').argParser(parseThreads).default(4),
  ]
  const hidden = [
    new Option('--thread-num <count>').argParser(parseThreads),
    new Option('--failover-policy <policy>').choices(['none', 'resend', 'flush']),
    new Option('--rlimit-nofile <count>').argParser(parseCount),
    ...['-m, --virtual-mountpoint <path>', '-s, --shared-dir <dir>', '--prefetch-files <file>'].map((flags) =>
      text(flags),
    ),
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

function parseThreads(text: string): number {
  const threads = parseCount(text)
  if (threads < 1 || threads > MAX_THREADS) throw new InvalidArgumentError(`valid range: 1-${MAX_THREADS}`)
  return threads
}

function checkOptions(options: RawOptions): FuseArguments {
  for (const [name, what] of Object.entries(UNSUPPORTED))
    if (options[name] !== undefined) throw unsupported(what)
  if ((options.virtualMountpoint ?? '/') !== '/') throw unsupported('--virtual-mountpoint other than /')
  const bootstrap = textOf(options, 'bootstrap')
  if (bootstrap === undefined) throw unsupported('a daemon without --bootstrap')
  const config = textOf(options, 'config')
  const localfsDir = textOf(options, 'localfsDir')
  const apisock = textOf(options, 'apisock')
  const logFile = textOf(options, 'logFile')
  return {
    mountpoint: textOf(options, 'mountpoint') ?? '',
    bootstrap,
    source: sourceOf(config, localfsDir),
    logLevel: options.logLevel as LogLevel,
    logRotationBytes: Number(options.logRotationSize ?? 0) * MEGABYTE,
    threads: (options.threadNum ?? options.fuseThreads) as number,
    ...(apisock === undefined ? {} : { apisock }),
    ...(logFile === undefined ? {} : { logFile: withExtension(logFile) }),
  }
}

function sourceOf(config: string | undefined, localfsDir: string | undefined): FuseArguments['source'] {
  if (config !== undefined) return { config }
  if (localfsDir !== undefined) return { localfsDir }
  throw new DaemonError('ERR_USAGE', 'nothing says where the blobs are', {
    hint: 'add --config FILE or --localfs-dir DIR',
  })
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
