// SPDX-License-Identifier: Apache-2.0
/** `nydus completion SHELL`: a script for the shell, made from the tables of commands and flags. */
import type { CommandContext } from './context.ts'
import type { Flag } from './flag.ts'
import { GLOBAL_FLAGS } from './global-flags.ts'
import { usage } from './usage.ts'

/** What completion needs to know of a command. */
export interface CompletableCommand {
  readonly name: string
  readonly alias?: string
  readonly help: string
  /** Words that may be the first operand. */
  readonly verbs?: readonly string[]
  readonly flags: readonly Flag[]
}

/** Makes the script of one shell. */
type ScriptMaker = (program: string, commands: readonly CompletableCommand[]) => string

/** Writes the script. @returns the exit status. @throws {NydusError} ERR_USAGE for another shell. */
export async function runCompletion(
  commands: readonly CompletableCommand[],
  context: Pick<CommandContext, 'stdout' | 'calledAs'>,
  operands: readonly string[],
): Promise<number> {
  const [shell = ''] = operands
  const maker = operands.length === 1 && Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined
  if (maker === undefined)
    throw usage(`expected one of ${Object.keys(SCRIPTS).join(', ')}`, 'nydus completion bash')
  context.stdout.write(maker(context.calledAs, commands))
  return 0
}

/** Names of a command's flags with their dashes; those that are accepted without effect stay out, as in the help. */
function flagNames({ flags }: CompletableCommand): readonly string[] {
  return shownFlags(flags).map(({ name }) => `--${name}`)
}

function shownFlags(flags: readonly Flag[]): readonly Flag[] {
  const shown = [...flags, ...GLOBAL_FLAGS].filter(
    ({ unsupported, note }) => unsupported === undefined && note === undefined,
  )
  return [...shown, { name: 'help', help: 'display help for command' }]
}

function namesOf({ name, alias }: CompletableCommand): readonly string[] {
  return alias === undefined ? [name] : [name, alias]
}

const SCRIPTS: Readonly<Record<string, ScriptMaker>> = { bash: bashScript, zsh: zshScript, fish: fishScript }

function bashScript(program: string, commands: readonly CompletableCommand[]): string {
  const cases = commands.map((command) => {
    const words = [...(command.verbs ?? []), ...flagNames(command)].join(' ')
    return `    ${namesOf(command).join('|')}) words="${words}" ;;`
  })
  return `# bash completion for ${program}: source <(${program} completion bash)
_${program}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${commands.flatMap(namesOf).join(' ')} help --help --version"
  else
    case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${program} ${program}
`
}

function zshScript(program: string, commands: readonly CompletableCommand[]): string {
  const list = commands.flatMap((command) =>
    namesOf(command).map((name) => `    '${name}:${plain(command.help)}'`),
  )
  const cases = commands.map((command) => {
    const flags = shownFlags(command.flags).map(
      ({ name, help, value }) =>
        `'--${name}${value === undefined ? '' : '='}[${plain(help)}]${value === undefined ? '' : `:${value}:_files`}'`,
    )
    const operands =
      command.verbs === undefined
        ? `'*:operand:_files'`
        : `'1:verb:(${command.verbs.join(' ')})' '*:operand:_files'`
    return `    ${namesOf(command).join('|')}) _arguments ${[...flags, operands].join(' ')} ;;`
  })
  return `#compdef ${program}
# zsh completion for ${program}: ${program} completion zsh > "\${fpath[1]}/_${program}"
_${program}() {
  local -a commands
  commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT -= 1 ))
  case "$command" in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = "_${program}" ]; then _${program} "$@"; else compdef _${program} ${program}; fi
`
}

function fishScript(program: string, commands: readonly CompletableCommand[]): string {
  const lines = commands.flatMap((command) => {
    const names = namesOf(command)
    const inside = `'__fish_seen_subcommand_from ${names.join(' ')}'`
    return [
      ...names.map(
        (name) => `complete -c ${program} -n __fish_use_subcommand -f -a ${name} -d '${plain(command.help)}'`,
      ),
      ...(command.verbs ?? []).map((verb) => `complete -c ${program} -n ${inside} -f -a ${verb}`),
      ...shownFlags(command.flags).map(
        ({ name, help, value }) =>
          `complete -c ${program} -n ${inside} -l ${name}${value === undefined ? '' : ' -r'} -d '${plain(help)}'`,
      ),
    ]
  })
  return `# fish completion for ${program}: ${program} completion fish | source\n${lines.join('\n')}\n`
}

/** Text without the characters that end a quote or a field in any of the shells. */
function plain(text: string): string {
  return text.replace(/['"\\`$[\]:]/g, ' ').replace(/ {2,}/g, ' ')
}
