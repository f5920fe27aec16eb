// SPDX-License-Identifier: Apache-2.0
/** Runs one command to its end and measures it from outside: wall, CPU of the whole process tree, peak memory. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** What one run of a command cost. */
export interface Measured {
  readonly wallSeconds: number
  /** User and system time of the process and of all children it waited for. */
  readonly cpuSeconds: number
  /** Peak resident memory of the largest single process, MiB. */
  readonly peakMiB: number
  readonly status: number
  readonly output: string
}

// The shell's `times` prints its own and its children's CPU as `0m1.234s 0m0.456s`, children last.
const WRAPPER = '"$@" 2>&1; status=$?; times; exit $status'
const POLL_MS = 20

/** Runs `command`; a non-zero status is returned, not thrown. */
export async function measure(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Measured> {
  const started = performance.now()
  const child = spawn('bash', ['-c', WRAPPER, 'measure', ...command], { env: { ...process.env, ...env } })
  let output = ''
  child.stdout.on('data', (text: Buffer) => {
    output += text.toString()
  })
  let peakMiB = 0
  const poll = setInterval(() => {
    for (const pid of processTree(child.pid ?? 0)) peakMiB = Math.max(peakMiB, peakMemoryMiB(pid))
  }, POLL_MS)
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 128))
  })
  clearInterval(poll)
  const wallSeconds = (performance.now() - started) / 1000
  return { wallSeconds, cpuSeconds: cpuFromTimes(output), peakMiB, status, output }
}

/** Runs `command` `runs` times and returns the run with the median wall time; fails loudly when one fails. */
export async function measureMedian(
  command: readonly string[],
  runs: number,
  prepare: () => Promise<void> | void = () => {},
): Promise<Measured> {
  const all: Measured[] = []
  for (let run = 0; run < runs; run++) {
    await prepare()
    const one = await measure(command)
    if (one.status !== 0)
      throw new Error(`${command.join(' ')} ended with ${one.status}:\n${one.output.slice(-2000)}`)
    all.push(one)
  }
  all.sort((a, b) => a.wallSeconds - b.wallSeconds)
  return all[Math.floor(all.length / 2)] as Measured
}

/** `pid` and all its descendants. */
export function processTree(pid: number): number[] {
  const tree = [pid]
  for (const parent of tree) {
    try {
      for (const task of readdirSync(`/proc/${parent}/task`)) {
        const children = readFileSync(`/proc/${parent}/task/${task}/children`, 'utf8').trim()
        if (children !== '') tree.push(...children.split(' ').map(Number))
      }
    } catch {
      // the process ended while we looked
    }
  }
  return tree
}

/** Peak resident memory of one process in MiB, 0 when it is gone. */
export function peakMemoryMiB(pid: number): number {
  try {
    const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kib === undefined ? 0 : Number(kib) / 1024
  } catch {
    return 0
  }
}

/** CPU seconds that `pid` and its descendants used so far. */
export function cpuSeconds(pid: number): number {
  let ticks = 0
  for (const process of processTree(pid)) {
    try {
      const fields = readFileSync(`/proc/${process}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
      ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // the process ended while we looked
    }
  }
  return ticks / 100
}

function cpuFromTimes(output: string): number {
  const last = output.trimEnd().split('\n').at(-1) ?? ''
  let seconds = 0
  for (const [, minutes, rest] of last.matchAll(/(\d+)m([\d.]+)s/g))
    seconds += Number(minutes) * 60 + Number(rest)
  return seconds
}
