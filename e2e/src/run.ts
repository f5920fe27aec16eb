// SPDX-License-Identifier: Apache-2.0
/** Runs real programs: to their end, or in the foreground until stopped. Never blocks this process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export const REPOSITORY = join(import.meta.dirname, '../..')
/** Where the repository's own programs are. */
export const BIN = join(REPOSITORY, 'node_modules/.bin')
const ENVIRONMENT = { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH}`, NO_COLOR: '1' }

/** How a program ended. `output` is standard output and standard error together, `stdout` the first alone. */
export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly output: string
}

const running = new Set<ChildProcess>()

/** Starts `command`; the repository's own bins come first on PATH. */
export function start(
  command: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): ChildProcess {
  const [file, ...args] = command as [string, ...string[]]
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...ENVIRONMENT, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  running.add(child)
  child.on('close', () => running.delete(child))
  return child
}

/** Ends every program that was started and still runs, with SIGTERM, and waits for it. */
export async function stopPrograms(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const closed = new Promise((resolve) => child.on('close', resolve))
      child.kill('SIGTERM')
      await closed
    }),
  )
}

/** Runs `command` to its end, at most `timeoutMs`. */
export async function run(
  command: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<Ended> {
  const child = start(command, options)
  let stdout = ''
  let output = ''
  child.stdout?.on('data', (text: Buffer) => {
    stdout += text.toString()
    output += text.toString()
  })
  child.stderr?.on('data', (text: Buffer) => {
    output += text.toString()
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 240_000)
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 128))
  })
  clearTimeout(timer)
  return { status, stdout, output }
}

/** Like `run`, but anything other than exit status 0 is an error that shows the output. */
export async function must(
  command: readonly string[],
  options: Parameters<typeof run>[1] = {},
): Promise<Ended> {
  const ended = await run(command, options)
  if (ended.status === 0) return ended
  throw new Error(`${command.join(' ')} ended with ${ended.status}:\n${ended.output.slice(-4000)}`)
}

/** Programs of `names` that are not installed. */
export function missingPrograms(names: readonly string[]): string[] {
  const directories = (ENVIRONMENT.PATH ?? '').split(delimiter).concat('/usr/sbin', '/sbin')
  return names.filter((name) => !directories.some((directory) => existsSync(join(directory, name))))
}

/**
 * Why the tests that need root, FUSE and Debian's tools cannot run here, or undefined when they can.
 * In CI a missing tool is a failure, elsewhere a loud skip.
 */
export function reasonToSkip(programs: readonly string[]): string | undefined {
  const missing = missingPrograms(programs)
  const reasons = [
    ...(process.getuid?.() === 0 ? [] : ['root is needed']),
    ...(existsSync('/dev/fuse') ? [] : ['/dev/fuse is missing']),
    ...(missing.length === 0 ? [] : [`not installed: ${missing.join(', ')}`]),
  ]
  if (reasons.length === 0) return undefined
  const reason = reasons.join('; ')
  if (process.env.CI === 'true') throw new Error(`end-to-end tests cannot run: ${reason}`)
  process.stderr.write(`\n[nydus] SKIPPED end-to-end tests on real images: ${reason}\n`)
  return reason
}

/** Waits until `condition` holds, asking every 20 ms, at most `timeoutMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what}: not in ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
