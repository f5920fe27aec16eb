// SPDX-License-Identifier: Apache-2.0
/** Command line flags as data: one table gives the parser, the help, the environment variables and the refusals. */
import { NydusError } from '@nydus/base/error'
import { type Command, Option } from 'commander'

/** One long flag. */
export interface Flag {
  /** Without dashes. */
  readonly name: string
  /** Other long names. */
  readonly aliases?: readonly string[]
  /** One letter. */
  readonly short?: string
  /** Placeholder of its value in the help; a flag without one is a switch. */
  readonly value?: string
  /** Value when it is not given. */
  readonly default?: string
  readonly help: string
  /** Environment variable; by default the name in upper snake case, false for none. */
  readonly env?: string | false
  /** Why this version cannot honour it. Values in `harmless` are accepted all the same. */
  readonly unsupported?: string
  readonly harmless?: readonly string[]
  /** Accepted without effect; this is said once. */
  readonly note?: string
}

/** Values of the flags that were given, or have a default: text, or true for switches. */
export interface FlagValues {
  text(name: string): string | undefined
  isSet(name: string): boolean
  /** True for a flag of the command line or the environment, false for one that only has its default. */
  isGiven(name: string): boolean
  /** What to tell about flags without effect. */
  readonly notes: readonly string[]
}

/** Adds the flags to a command; those that are not supported stay out of its help. */
export function addFlags(command: Command, flags: readonly Flag[]): void {
  for (const flag of flags) {
    const names = [flag.name, ...(flag.aliases ?? [])]
    for (const [i, name] of names.entries()) {
      const short = i === 0 && flag.short !== undefined ? `-${flag.short}, ` : ''
      const option = new Option(
        `${short}--${name}${flag.value === undefined ? '' : ` <${flag.value}>`}`,
        helpOf(flag),
      )
      command.addOption(
        i > 0 || flag.unsupported !== undefined || flag.note !== undefined ? option.hideHelp() : option,
      )
    }
  }
}

function helpOf(flag: Flag): string {
  return flag.default === undefined ? flag.help : `${flag.help} (default ${flag.default})`
}

/**
 * Collects what the command line and the environment say; the command line wins.
 * @throws {NydusError} ERR_USAGE for a flag that is known but cannot be honoured, or a switch variable that is no boolean.
 */
export function readFlags(
  command: Command,
  flags: readonly Flag[],
  env: Readonly<Record<string, string | undefined>>,
): FlagValues {
  const values = new Map<string, string | true>()
  const givenNames = new Set<string>()
  const notes: string[] = []
  const given = command.optsWithGlobals() as Readonly<Record<string, unknown>>
  for (const flag of flags) {
    const value = givenValue(given, flag) ?? envValue(env, flag)
    if (value !== undefined) {
      givenNames.add(flag.name)
      refuseUnsupported(flag, value)
      if (flag.note !== undefined) notes.push(`--${flag.name}: ${flag.note}`)
    }
    const effective = value ?? flag.default
    if (effective !== undefined) values.set(flag.name, effective)
  }
  return {
    text(name) {
      const value = values.get(name)
      return typeof value === 'string' ? value : undefined
    },
    isSet: (name) => values.has(name),
    isGiven: (name) => givenNames.has(name),
    notes,
  }
}

function givenValue(given: Readonly<Record<string, unknown>>, flag: Flag): string | true | undefined {
  for (const name of [flag.name, ...(flag.aliases ?? [])]) {
    const value = given[attributeName(name)]
    if (typeof value === 'string' || value === true) return value
  }
  return undefined
}

/** Commander stores `--push-retry-count` as `pushRetryCount`. */
function attributeName(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

function envValue(env: Readonly<Record<string, string | undefined>>, flag: Flag): string | true | undefined {
  if (flag.env === false) return undefined
  const name = flag.env ?? flag.name.toUpperCase().replaceAll('-', '_')
  const value = env[name]
  if (value === undefined || value === '') return undefined
  if (flag.value !== undefined) return value
  if (/^(1|t|true)$/i.test(value)) return true
  if (/^(0|f|false)$/i.test(value)) return undefined
  throw new NydusError(
    'ERR_USAGE',
    `environment variable ${name}: ${JSON.stringify(value)} is not true or false`,
  )
}

function refuseUnsupported(flag: Flag, value: string | true): void {
  if (
    flag.unsupported === undefined ||
    (typeof value === 'string' && (flag.harmless ?? ['']).includes(value))
  )
    return
  throw new NydusError('ERR_USAGE', `--${flag.name} is not supported: ${flag.unsupported}`)
}

/** A number in decimal or with `0x`. @throws {NydusError} ERR_USAGE */
export function numberFlag(name: string, text: string): number {
  const value = /^(0x[0-9a-f]+|[0-9]+)$/i.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw new NydusError(
    'ERR_USAGE',
    `--${name} ${JSON.stringify(text)}: expected a number, decimal or with 0x`,
  )
}

const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds of a duration as Go writes it: `5s`, `1m30s`, `250ms`. @throws {NydusError} ERR_USAGE */
export function durationFlag(name: string, text: string): number {
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g)]
  if (text !== '0' && (parts.length === 0 || parts.map(([part]) => part).join('') !== text)) {
    throw new NydusError(
      'ERR_USAGE',
      `--${name} ${JSON.stringify(text)}: expected a duration like 5s or 500ms`,
    )
  }
  return Math.round(
    parts.reduce((sum, [, count, unit]) => sum + Number(count) * (DURATION_MS[unit ?? ''] ?? 0), 0),
  )
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 1024,
  mib: 1048576,
  gib: 1073741824,
}

/** Bytes of a size: `16MiB`, `0MB`, `4194304`, `0x400000`. @throws {NydusError} ERR_USAGE */
export function sizeFlag(name: string, text: string): number {
  if (/^0x/i.test(text)) return numberFlag(name, text)
  const [, count, unit] = /^([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)$/i.exec(text) ?? []
  const factor = SIZE_UNITS[unit?.toLowerCase() ?? '?']
  if (count !== undefined && factor !== undefined) return Math.round(Number(count) * factor)
  throw new NydusError('ERR_USAGE', `--${name} ${JSON.stringify(text)}: expected a size like 16MiB`)
}
