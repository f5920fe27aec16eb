// SPDX-License-Identifier: Apache-2.0
/** A subcommand as data: one table gives the parser, the usage rules and the help. */
import type { ImageContext } from './context.ts'

/** One flag of a subcommand. */
export interface ImageFlag {
  /** Without dashes; also the placeholder of its value in messages. */
  readonly name: string
  /** One letter. */
  readonly short?: string
  /** Other long names, which stay out of the help. */
  readonly aliases?: readonly string[]
  /** True for a flag without a value. */
  readonly isSwitch?: boolean
  readonly help: string
  readonly default?: string
  /** The only values that are accepted. */
  readonly choices?: readonly string[]
  /** Must be given; with a list, unless one of those flags or operands is given. A default counts as not given. */
  readonly required?: true | readonly string[]
  /** Must be given when the named flag has one of these values. */
  readonly requiredWhen?: { readonly flag: string; readonly values: readonly string[] }
  /** Flags and operands that cannot be given together with this one. */
  readonly conflicts?: readonly string[]
  /** A flag that must be given when this one is. */
  readonly requires?: string
  /** Accepted, but not shown in the help. */
  readonly isHidden?: boolean
}

/** What follows the flags. */
export interface ImageOperand {
  /** In capitals. */
  readonly name: string
  readonly help: string
  /** As for flags. */
  readonly required?: true | readonly string[]
  /** Takes one or more. */
  readonly isVariadic?: boolean
}

/** Values of one command line. */
export interface ImageArguments {
  /** The value that was given, or the default. */
  text(name: string): string | undefined
  /** A value that the usage rules guarantee. */
  need(name: string): string
  /** True for a switch or a value on the command line; a default does not count. */
  isGiven(name: string): boolean
  readonly operands: readonly string[]
}

/** One subcommand. */
export interface ImageCommand {
  /** Words after the program's name. */
  readonly name: string
  readonly summary: string
  readonly flags: readonly ImageFlag[]
  readonly operand?: ImageOperand
  /** Shown below the flags. */
  readonly examples: readonly string[]
  /**
   * Does the work; its modules are loaded when it is called.
   * @returns the exit status: 0, or 2 for layers that do not fit together.
   */
  readonly run: (values: ImageArguments, context: ImageContext) => Promise<number>
}

/** Accepted by every subcommand, before its name too. */
export const GLOBAL_IMAGE_FLAGS: readonly ImageFlag[] = [
  { name: 'log-file', short: 'L', help: 'append messages to this file instead of the standard error' },
  {
    name: 'log-level',
    short: 'l',
    help: 'how much is said',
    default: 'info',
    choices: ['trace', 'debug', 'info', 'warn', 'error'],
  },
]
