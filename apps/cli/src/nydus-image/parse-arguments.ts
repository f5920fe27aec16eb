// SPDX-License-Identifier: Apache-2.0
/** Arguments of one subcommand → values, by commander, with the original's messages. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { GLOBAL_IMAGE_FLAGS, type ImageArguments, type ImageCommand, type ImageFlag } from './command-spec.ts'
import { UsageError } from './usage-error.ts'
import { checkUsage } from './usage-rules.ts'

/**
 * Reads the arguments behind the subcommand's name.
 * @returns undefined when help is wanted.
 * @throws {UsageError} for arguments that do not fit the command.
 */
export function parseArguments(command: ImageCommand, argv: readonly string[]): ImageArguments | undefined {
  const flags = [...GLOBAL_IMAGE_FLAGS, ...command.flags]
  const parser = new Command(command.name)
    .argument('[operands...]')
    .helpOption(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, outputError: () => undefined })
    .addOption(new Option('-h, --help'))
  for (const flag of flags) addFlag(parser, flag)
  try {
    parser.parse(normalize(argv, flags), { from: 'user' })
  } catch (error) {
    throw usageErrorOf(error, command)
  }
  const given: Readonly<Record<string, unknown>> = parser.opts()
  if (given.help === true) return undefined
  const values = valuesOf(flags, given, parser.args)
  checkOperands(command, parser.args)
  checkUsage(command, values)
  return values
}

function addFlag(parser: Command, flag: ImageFlag): void {
  for (const [i, name] of [flag.name, ...(flag.aliases ?? [])].entries()) {
    const short = i === 0 && flag.short !== undefined ? `-${flag.short}, ` : ''
    if (flag.isSwitch === true) {
      parser.addOption(new Option(`${short}--${name}`))
      continue
    }
    const option = new Option(`${short}--${name} <${flag.name}>`)
    option.argParser((value: string, previous: unknown) => {
      if (previous !== undefined) throw new InvalidArgumentError('cannot be used multiple times')
      if (flag.choices !== undefined && !flag.choices.includes(value)) {
        throw new InvalidArgumentError(`[possible values: ${flag.choices.join(', ')}]`)
      }
      return value
    })
    parser.addOption(option)
  }
}

/** `-B=path` is `-B path`. */
function normalize(argv: readonly string[], flags: readonly ImageFlag[]): string[] {
  const end = argv.indexOf('--')
  const valued = new Set(flags.filter(({ isSwitch }) => isSwitch !== true).map(({ short }) => short))
  return argv.flatMap((argument, i) => {
    const parts = end >= 0 && i > end ? null : /^-([A-Za-z])=(.*)$/s.exec(argument)
    return parts && valued.has(parts[1]) ? [`-${parts[1]}`, parts[2] ?? ''] : [argument]
  })
}

function valuesOf(
  flags: readonly ImageFlag[],
  given: Readonly<Record<string, unknown>>,
  operands: readonly string[],
): ImageArguments {
  const values = new Map<string, string | true>()
  for (const { name, aliases = [] } of flags) {
    for (const each of [...aliases, name]) {
      const value = given[each.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())]
      if (typeof value === 'string' || value === true) values.set(name, value)
    }
  }
  const text = (name: string) => {
    const value = values.get(name) ?? flags.find((flag) => flag.name === name)?.default
    return typeof value === 'string' ? value : undefined
  }
  return {
    text,
    need(name) {
      const value = text(name)
      if (value === undefined) throw new Error(`the table of flags does not require ${name}`)
      return value
    },
    isGiven: (name) => values.has(name),
    operands,
  }
}

function checkOperands(command: ImageCommand, operands: readonly string[]): void {
  const most = command.operand === undefined ? 0 : command.operand.isVariadic === true ? Infinity : 1
  if (operands.length > most) throw unexpected(operands[most] ?? '', command)
}

function usageErrorOf(error: unknown, command: ImageCommand): unknown {
  if (!(error instanceof CommanderError)) return error
  const hint = `see nydus-image ${command.name} --help`
  const [, name = ''] = /'([^']*)'/.exec(error.message) ?? []
  const long = name.replace(/^-[A-Za-z], /, '')
  switch (error.code) {
    case 'commander.unknownOption':
      return unexpected(name, command)
    case 'commander.optionMissingArgument':
      return new UsageError(`a value is required for '${long}' but none was supplied`, hint)
    case 'commander.invalidArgument': {
      const [, option = '', value = '', reason = ''] =
        /option '(?:-[A-Za-z], )?([^']*)' argument '(.*)' is invalid\. (.*)$/s.exec(error.message) ?? []
      if (reason.startsWith('['))
        return new UsageError(`invalid value '${value}' for '${option}' ${reason}`, hint)
      return new UsageError(`the argument '${option}' ${reason}`, hint)
    }
    default:
      return new UsageError(error.message.replace(/^error: /, ''), hint)
  }
}

function unexpected(argument: string, command: ImageCommand): UsageError {
  return new UsageError(`unexpected argument '${argument}' found`, `see nydus-image ${command.name} --help`)
}
