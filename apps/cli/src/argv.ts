// SPDX-License-Identifier: Apache-2.0
/**
 * Go's flag syntax → the syntax of this command line: long flags with one dash (`-log-level debug`), values of switches
 * (`--plain-http=false`), global flags before the command's name.
 */
import type { Flag } from './commands/flag.ts'

/** Names a flag can be written with. */
interface KnownFlags {
  readonly switches: ReadonlySet<string>
  readonly valued: ReadonlySet<string>
}

/**
 * Rewrites arguments; what follows `--` stays as it is, and so does everything that is not a known flag.
 * @param argv without the program's name.
 * @param flags of all commands together.
 * @param commands names of all commands.
 */
export function normalizeArgv(
  argv: readonly string[],
  flags: readonly Flag[],
  commands: readonly string[],
): readonly string[] {
  const known = knownFlags(flags)
  const before: string[] = []
  const after: string[] = []
  let target = before
  for (let i = 0; i < argv.length; i += 1) {
    const argument = argv[i] as string
    if (argument === '--') {
      target.push(...argv.slice(i))
      break
    }
    if (target === before && commands.includes(argument)) {
      target = after
      target.push(argument)
      continue
    }
    const normal = normalizeFlag(argument, known)
    target.push(...normal)
    const [flag] = normal
    if (flag !== undefined && normal.length === 1 && takesNext(flag, known) && i + 1 < argv.length) {
      target.push(argv[i + 1] as string)
      i += 1
    }
  }
  return [...after, ...before]
}

function knownFlags(flags: readonly Flag[]): KnownFlags {
  const switches = new Set(['help', 'version'])
  const valued = new Set<string>()
  for (const { name, aliases = [], short, value } of flags) {
    const names = [name, ...aliases, ...(short === undefined ? [] : [short])]
    for (const each of names) (value === undefined ? switches : valued).add(each)
  }
  return { switches, valued }
}

/** `-log-level` → `--log-level`, `-log-level=x` → `--log-level=x`, `-x=false` of a switch → nothing. */
function normalizeFlag(argument: string, { switches, valued }: KnownFlags): readonly string[] {
  const parts = /^(--?)([A-Za-z][A-Za-z0-9-]*)(?:=(.*))?$/s.exec(argument)
  if (!parts) return [argument]
  const [, dashes, name = '', value] = parts
  if (!switches.has(name) && !valued.has(name)) return [argument]
  const flag = name.length === 1 ? `${dashes}${name}` : `--${name}`
  if (value === undefined) return [flag]
  if (valued.has(name)) return [`${flag}=${value}`]
  if (/^(1|t|true)$/i.test(value)) return [flag]
  return /^(0|f|false)$/i.test(value) ? [] : [argument]
}

function takesNext(flag: string, { valued }: KnownFlags): boolean {
  return /^-/.test(flag) && !flag.includes('=') && valued.has(flag.replace(/^--?/, ''))
}
