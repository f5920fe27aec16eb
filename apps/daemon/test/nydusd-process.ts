// SPDX-License-Identifier: Apache-2.0
/** Runs the daemon as its own process and talks to its API. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

export interface Exit {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Nydusd {
  readonly pid: number
  readonly exited: Promise<Exit>
  kill(signal: NodeJS.Signals): void
  /** Resolves when the API says so. */
  running(apisock: string): Promise<void>
}

export function startNydusd(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Nydusd {
  const child = spawn(process.execPath, ['--conditions=@nydus/source', MAIN, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const exited = new Promise<Exit>((resolve) => {
    child.on('close', (status) => resolve({ status, stdout, stderr }))
  })
  return {
    pid: child.pid ?? -1,
    exited,
    kill: (signal) => void child.kill(signal),
    async running(apisock) {
      for (let attempt = 0; attempt < 600; attempt++) {
        if (child.exitCode !== null) throw new Error(`nydusd exited with ${child.exitCode}: ${stderr}`)
        const reply = await call(apisock, 'GET', '/api/v1/daemon').catch(() => undefined)
        if (reply?.status === 200 && (JSON.parse(reply.body) as { state: string }).state === 'RUNNING') return
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      throw new Error(`nydusd did not start: ${stderr}`)
    },
  }
}

/** Runs it to its end. */
export function runNydusd(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Exit> {
  return startNydusd(args, environment).exited
}

export interface Reply {
  readonly status: number
  readonly reason: string
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export function call(socketPath: string, method: string, path: string, body?: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          reason: response.statusMessage ?? '',
          rawHeaders: response.rawHeaders,
          body: text,
        }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

export function isMounted(path: string): boolean {
  return readFileSync('/proc/self/mounts', 'utf8').includes(` ${path} fuse `)
}
