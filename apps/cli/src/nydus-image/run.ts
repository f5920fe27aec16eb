// SPDX-License-Identifier: Apache-2.0
/** One command line of `nydus-image` → exit status. */
import { IMAGE_COMMANDS, type ListedCommand } from './command-list.ts'
import { GLOBAL_IMAGE_FLAGS } from './command-spec.ts'
import type { ProcessContext } from './context.ts'
import { reportFailure } from './report-failure.ts'
import { UsageError } from './usage-error.ts'

/**
 * Runs one command line.
 * @param argv arguments without the program's name.
 * @returns 0 done, 1 failed, 2 for usage or layers that do not fit together, 130 when interrupted.
 */
export async function runNydusImage(argv: readonly string[], context: ProcessContext): Promise<number> {
  try {
    const { words, rest } = splitCommand(argv)
    if (words.length === 0) return await runBare(rest, context)
    const listed = findCommand(words)
    if (listed === undefined) return await runUnknown(words, rest, context)
    return await runCommand(listed, [...rest, ...words.slice(listed.name.split(' ').length)], context)
  } catch (error) {
    return reportFailure(error, context)
  }
}

/** Global flags may stand before the command's name. */
function splitCommand(argv: readonly string[]): { words: readonly string[]; rest: readonly string[] } {
  const valued = GLOBAL_IMAGE_FLAGS.flatMap(({ name, short }) => [`--${name}`, `-${short}`])
  let at = 0
  while (at < argv.length && argv[at]?.startsWith('-') === true) {
    at += valued.includes(argv[at] ?? '') ? 2 : 1
  }
  return { words: argv.slice(at), rest: argv.slice(0, at) }
}

function findCommand(words: readonly string[]): ListedCommand | undefined {
  return IMAGE_COMMANDS.find(({ name }) => name.split(' ').every((word, i) => words[i] === word))
}

async function runCommand(
  listed: ListedCommand,
  argv: readonly string[],
  context: ProcessContext,
): Promise<number> {
  const [command, { parseArguments }] = await Promise.all([listed.load(), import('./parse-arguments.ts')])
  const values = parseArguments(command, argv)
  if (values === undefined) {
    const { commandHelp } = await import('./help-text.ts')
    context.stdout.write(commandHelp(command))
    return 0
  }
  const { openImageLog } = await import('./log.ts')
  const level = values.need('log-level') as Parameters<typeof openImageLog>[0]
  const log = openImageLog(level, values.text('log-file'), context.stderr)
  const { stdout, stderr, signal } = context
  const imageContext = {
    get stdin() {
      return context.stdin
    },
    stdout,
    stderr,
    signal,
    log,
  }
  return await command.run(values, imageContext)
}

async function runBare(flags: readonly string[], context: ProcessContext): Promise<number> {
  const wants = (...names: readonly string[]) => flags.some((flag) => names.includes(flag))
  if (wants('-V', '--version')) {
    const { VERSION_TEXT } = await import('./version-text.ts')
    context.stdout.write(VERSION_TEXT)
    return 0
  }
  const { PROGRAM_USAGE, programHelp } = await import('./help-text.ts')
  if (wants('-h', '--help')) context.stdout.write(programHelp(IMAGE_COMMANDS))
  else if (flags.length === 0) context.stdout.write(`${PROGRAM_USAGE}\n`)
  else throw new UsageError(`unexpected argument '${flags[0]}' found`, 'see nydus-image --help')
  return 0
}

/** `help`, the first word of a command of two words, or a mistake. */
async function runUnknown(
  words: readonly string[],
  flags: readonly string[],
  context: ProcessContext,
): Promise<number> {
  const [first = '', ...more] = words
  if (first === 'help') {
    const listed = findCommand(more)
    if (listed !== undefined) return await runCommand(listed, ['--help'], context)
    return await runBare(['--help'], context)
  }
  const group = IMAGE_COMMANDS.find(({ name }) => name.startsWith(`${first} `))
  if (group !== undefined && more.every((word) => word === '-h' || word === '--help')) {
    context.stdout.write(`Usage: nydus-image ${group.name} [OPTIONS]\n`)
    return 0
  }
  throw new UsageError(
    `unrecognized subcommand '${words.slice(0, group ? 2 : 1).join(' ')}'`,
    helpHint(flags),
  )
}

function helpHint(flags: readonly string[]): string {
  return flags.length === 0
    ? 'see nydus-image --help'
    : `global flags were ${flags.join(' ')}; see nydus-image --help`
}
