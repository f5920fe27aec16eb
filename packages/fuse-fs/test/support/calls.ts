// SPDX-License-Identifier: Apache-2.0
/** Child processes that answer calls. A process that is stuck in a mount is killed by its caller's deadline. */
import { type ChildProcess, fork } from 'node:child_process'

const CALL_DEADLINE_MS = 30_000

/** A running child. */
export interface Child {
  readonly process: ChildProcess
  /** Calls a method of the child; rejects with its error, or after 30 s, when the child is killed. */
  call<T>(method: string, argument?: unknown): Promise<T>
  /** Resolves with exit status or signal. */
  readonly exited: Promise<number | string>
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly message: string; readonly code?: string; readonly hint?: string }
}

/** How to start a child. */
export interface ChildOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Keeps what it prints to stderr to itself. */
  readonly quiet?: boolean
  /** A script of this directory that runs first. */
  readonly preload?: string
}

/** Starts the script `name` of this directory. */
export function startChild(name: string, { env = {}, preload, quiet }: ChildOptions = {}): Child {
  const child = fork(new URL(`./${name}.ts`, import.meta.url), {
    execArgv: [
      '--conditions=@nydus/source',
      ...(preload === undefined ? [] : ['--import', new URL(`./${preload}.ts`, import.meta.url).href]),
    ],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', quiet === true ? 'ignore' : 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  const exited = new Promise<number | string>((resolve) => {
    child.once('exit', (status, signal) => {
      for (const { reject } of waiting.values()) reject(new Error(`the child ended: ${status ?? signal}`))
      resolve(status ?? signal ?? 'unknown')
    })
  })
  child.on('message', (message) => {
    const { id, result, error } = message as Answer
    const one = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) one?.resolve(result)
    else one?.reject(Object.assign(new Error(error.message), { code: error.code, hint: error.hint }))
  })
  let calls = 0
  return {
    process: child,
    exited,
    call<T>(method: string, argument?: unknown) {
      calls += 1
      const id = calls
      const answer = Promise.withResolvers<unknown>()
      waiting.set(id, answer)
      const timer = setTimeout(() => {
        answer.reject(new Error(`no answer to ${method} within ${CALL_DEADLINE_MS} ms`))
        child.kill('SIGKILL')
      }, CALL_DEADLINE_MS)
      child.send({ id, method, argument })
      return answer.promise.finally(() => clearTimeout(timer)) as Promise<T>
    },
  }
}

/** In the child: answers calls with `methods` until the parent is gone. */
export function answerCalls(methods: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on('message', async ({ id, method, argument }: { id: number; method: string; argument: never }) => {
    try {
      process.send?.({ id, result: await methods[method]?.(argument) })
    } catch (error) {
      const { message, code, hint } = error as Error & { code?: string; hint?: string }
      process.send?.({ id, error: { message, code, hint } })
    }
  })
  process.on('disconnect', () => process.exit(0))
}
