// SPDX-License-Identifier: Apache-2.0
/** A mount command in the foreground: ready when the mount is there, stopped with a signal. */
import { readFileSync } from 'node:fs'
import { start, until } from './run.ts'

/** A running mount. */
export interface ForegroundMount {
  readonly mountpoint: string
  readonly pid: number
  readonly output: () => string
  /** Sends `signal` and waits for the end; gives the exit status. */
  stop(signal?: NodeJS.Signals): Promise<number>
  /** The exit status once the program has ended by itself. */
  ended(): Promise<number>
}

/** Tells whether something is mounted at `mountpoint`. */
export function isMounted(mountpoint: string): boolean {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[1] === mountpoint)
}

/** What `nydus mount` says, unless it is told to be quiet, once a signal means the end of a mount and not of a start. */
export const READY = /^mounted .* at /m

/** Starts `command` and waits until `mountpoint` is mounted and its output shows `ready`. */
export async function startMount(
  command: readonly string[],
  mountpoint: string,
  ready = /(?:)/,
): Promise<ForegroundMount> {
  const child = start(command)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text: Buffer) => {
      output += text.toString()
    })
  }
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 128)))
  let over = false
  void ended.then(() => {
    over = true
  })
  await until(() => over || (isMounted(mountpoint) && ready.test(output)), `${command.join(' ')} mounts`)
  if (over) throw new Error(`${command.join(' ')} ended with ${await ended}:\n${output}`)
  return {
    mountpoint,
    pid: child.pid ?? 0,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
    ended: () => ended,
  }
}
