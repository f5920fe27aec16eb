// SPDX-License-Identifier: Apache-2.0
/**
 * Help in the original's shape: programs look for `--type`, `tar-rafs`, `--batch-size` and `--encrypt` in the text of
 * `nydus-image create -h` to see what the builder can do.
 */
import { GLOBAL_IMAGE_FLAGS, type ImageCommand, type ImageFlag } from './command-spec.ts'

const HELP_FLAG: ImageFlag = { name: 'help', short: 'h', isSwitch: true, help: 'print help' }
const VERSION_FLAG: ImageFlag = { name: 'version', short: 'V', isSwitch: true, help: 'print the version' }

/** The one-line summary of how the program is called. */
export const PROGRAM_USAGE = 'Usage: nydus-image [OPTIONS] [COMMAND]'

/** Help of the program. */
export function programHelp(
  commands: readonly { readonly name: string; readonly summary: string }[],
): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2
  const lines = [...commands, { name: 'help', summary: 'print help of the program or of a command' }].map(
    ({ name, summary }) => `  ${name.padEnd(width)}${summary}`,
  )
  return [
    'Build, check, inspect and change RAFS file systems, the metadata and data of Nydus images',
    '',
    PROGRAM_USAGE,
    '',
    'Commands:',
    ...lines,
    '',
    'Options:',
    ...[...GLOBAL_IMAGE_FLAGS, HELP_FLAG, VERSION_FLAG].map(flagLines),
    '',
    'Exit status: 0 done, 1 failed, 2 usage or layers that do not fit together, 78 Node.js is too old, 130 interrupted',
    '',
  ].join('\n')
}

/** Help of one command. */
export function commandHelp(command: ImageCommand): string {
  const { operand, examples } = command
  const dots = operand?.isVariadic === true ? '...' : ''
  const placeholder =
    operand === undefined
      ? ''
      : operand.required === true
        ? ` <${operand.name}>${dots}`
        : ` [${operand.name}]`
  const flags = [...GLOBAL_IMAGE_FLAGS, ...command.flags, HELP_FLAG].filter(
    ({ isHidden }) => isHidden !== true,
  )
  return [
    command.summary,
    '',
    `Usage: nydus-image ${command.name} [OPTIONS]${placeholder}`,
    '',
    ...(operand === undefined ? [] : ['Arguments:', ` ${placeholder}  ${operand.help}`, '']),
    'Options:',
    ...flags.map(flagLines),
    ...(examples.length === 0 ? [] : ['', 'Examples:', ...examples.map((line) => `  ${line}`)]),
    '',
  ].join('\n')
}

function flagLines(flag: ImageFlag): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `
  const placeholder = flag.isSwitch === true ? '' : ` <${flag.name}>`
  const facts = [
    ...(flag.default === undefined ? [] : [`[default: ${flag.default}]`]),
    ...(flag.choices === undefined ? [] : [`[possible values: ${flag.choices.join(', ')}]`]),
  ]
  return `  ${short}--${flag.name}${placeholder}\n          ${[flag.help, ...facts].join(' ')}`
}
