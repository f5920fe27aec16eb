// SPDX-License-Identifier: Apache-2.0
/** Arguments → command → exit status. Everything that can go wrong ends as one line with a code. */
import { describeError, exitStatusOf, isNydusError, NydusError, redact } from '@nydus/base/error'
import { Command, CommanderError } from 'commander'
import { normalizeArgv } from './argv.ts'
import { COMMANDS } from './commands/command-table.ts'
import type { CommandContext } from './commands/context.ts'
import { addFlags, readFlags } from './commands/flag.ts'
import { GLOBAL_FLAGS } from './commands/global-flags.ts'
import { VERSION } from './version.ts'

/**
 * Runs one command line.
 * @param argv arguments without the program's name.
 * @returns the exit status: the project's table under the name `nydus`; 0 or 1 under the original's.
 */
export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  try {
    return await dispatch(argv, context)
  } catch (error) {
    return fail(error, argv, context)
  }
}

async function dispatch(argv: readonly string[], context: CommandContext): Promise<number> {
  let status = 0
  const program = new Command(context.calledAs)
    .description('Container images that start before they are downloaded')
    .version(VERSION)
  quietExits(program, context)
  program.addHelpText('after', helpEnd(context.calledAs, []))
  for (const spec of COMMANDS) {
    const command = program.command(spec.name).description(spec.help).helpGroup(spec.group)
    if (spec.alias !== undefined) command.alias(spec.alias)
    if (spec.operands !== undefined) command.argument(spec.operands)
    quietExits(command, context)
    command.addHelpText('after', helpEnd(context.calledAs, spec.examples))
    const flags = [...spec.flags, ...GLOBAL_FLAGS]
    addFlags(command, flags)
    command.action(async () => {
      const values = readFlags(command, flags, context.env)
      status = await spec.run(values, context, command.args)
    })
  }
  const names = COMMANDS.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]))
  const allFlags = [...COMMANDS.flatMap(({ flags }) => flags), ...GLOBAL_FLAGS]
  try {
    await program.parseAsync(normalizeArgv(argv, allFlags, names), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 0
    const message = error.message.replace(/^error: /, '')
    const hint = `see ${[context.calledAs, ...names.filter((name) => name === argv[0])].join(' ')} --help`
    throw new NydusError('ERR_USAGE', message === '(outputHelp)' ? 'no command given' : message, { hint })
  }
  return status
}

/** Examples and exit statuses. */
function helpEnd(calledAs: CommandContext['calledAs'], examples: readonly string[]): string {
  const lines = examples.map((line) => `  ${line.replace('nydus', calledAs)}`)
  const statuses =
    calledAs === 'nydus'
      ? `0 done, 1 check or diff found differences, 2 usage, 3 bad content, 4 registry,
5 this machine, 70 a fault of the program, 78 Node.js is too old, 130 interrupted`
      : '0 done, 1 failed, 130 interrupted'
  return `${lines.length === 0 ? '' : `\nExamples:\n${lines.join('\n')}\n`}\nExit status: ${statuses}`
}

function quietExits(command: Command, context: CommandContext): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => context.stdout.write(text),
    writeErr: () => undefined, // the message comes again with its code
    outputError: () => undefined,
  })
}

function fail(error: unknown, argv: readonly string[], context: CommandContext): number {
  const name = context.calledAs
  const coded = context.signal.aborted && !isNydusError(error) ? context.signal.reason : error
  if (isNydusError(coded)) {
    context.stderr.write(`${name}: ${oneLine(describeError(coded))} (${coded.code})\n`)
    if (coded.hint !== undefined) context.stderr.write(`hint: ${oneLine(coded.hint)}\n`)
  } else {
    context.stderr.write(`${name}: internal error: ${oneLine(describeError(coded))}\n`)
    context.stderr.write(
      'hint: this is a fault of the program; please report it with the output of -log-level debug\n',
    )
  }
  const wantsStack = argv.some((argument) =>
    /^(debug|trace|-D|--?debug|--?log-level=(debug|trace))$/.test(argument),
  )
  if (wantsStack && coded instanceof Error && !isNydusError(coded, 'ERR_USAGE', 'ERR_INTERRUPTED')) {
    context.stderr.write(`${redact(coded.stack ?? '')}\n`)
  }
  if (isNydusError(coded, 'ERR_INTERRUPTED')) return exitStatusOf(coded)
  return name === 'nydus' ? exitStatusOf(coded) : 1
}

function oneLine(text: string): string {
  return redact(text).replace(/\s*\n\s*/g, ' ')
}
