// SPDX-License-Identifier: Apache-2.0
/** The rules between flags that a command's table states. */
import type { ImageArguments, ImageCommand, ImageFlag, ImageOperand } from './command-spec.ts'
import { UsageError } from './usage-error.ts'

/** @throws {UsageError} for a combination that the table forbids. */
export function checkUsage(command: ImageCommand, values: ImageArguments): void {
  const hint = `see nydus-image ${command.name} --help`
  const isGiven = (name: string) =>
    name === command.operand?.name ? values.operands.length > 0 : values.isGiven(name)
  for (const flag of command.flags) {
    const other = isGiven(flag.name) ? flag.conflicts?.find(isGiven) : undefined
    if (other === undefined) continue
    const message = `the argument '${usageOf(command, flag.name)}' cannot be used with '${usageOf(command, other)}'`
    throw new UsageError(message, hint)
  }
  const missing = [...command.flags, ...(command.operand === undefined ? [] : [command.operand])]
    .filter((argument) => isMissing(command, argument, values, isGiven))
    .map(({ name }) => usageOf(command, name))
  if (missing.length === 0) return
  throw new UsageError(`the following required arguments were not provided: ${missing.join(', ')}`, hint)
}

function isMissing(
  command: ImageCommand,
  argument: ImageFlag | ImageOperand,
  values: ImageArguments,
  isGiven: (name: string) => boolean,
): boolean {
  const { name, required } = argument
  if (isGiven(name)) return false
  if (required === true || (required !== undefined && !required.some(isGiven))) return true
  if (command.flags.some(({ name: other, requires }) => requires === name && isGiven(other))) return true
  const when = 'requiredWhen' in argument ? argument.requiredWhen : undefined
  return when?.values.includes(values.text(when.flag) ?? '') ?? false
}

/** `--blob <blob>`, `--block`, `<SOURCE>...` */
export function usageOf(command: ImageCommand, name: string): string {
  if (name === command.operand?.name) return `<${name}>${command.operand.isVariadic === true ? '...' : ''}`
  const isSwitch = command.flags.some((flag) => flag.name === name && flag.isSwitch === true)
  return isSwitch ? `--${name}` : `--${name} <${name}>`
}
