// SPDX-License-Identifier: Apache-2.0
/** `docker-credential-X get`: the registry's name on stdin, JSON on stdout. https://github.com/docker/docker-credential-helpers */
import { type ChildProcess, spawn } from 'node:child_process'
import { redact } from '@nydus/base/error'
import { RegistryError } from '../errors.ts'
import { isObject } from '../parse-document.ts'
import type { Credentials } from './credential-source.ts'

/** How long a helper may take, and who may stop it. */
export interface HelperOptions {
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
}

const MAX_OUTPUT_BYTES = 256 << 10
/** What helpers answer, with a failing status, when they simply have nothing. */
const NOTHING_STORED = /credentials not found|no credentials|not found in native keychain/i

/**
 * Asks one helper. @param helper the X of `docker-credential-X`.
 * @returns undefined when the helper has nothing for `serverUrl`.
 * @throws {RegistryError} ERR_CREDENTIALS_HELPER when it cannot be run, fails, or takes too long.
 */
export async function askCredentialHelper(
  helper: string,
  serverUrl: string,
  options: HelperOptions,
): Promise<Credentials | undefined> {
  if (!/^[A-Za-z0-9._-]+$/.test(helper)) throw helperError(helper, 'the name is not that of a program')
  const { status, stdout, stderr } = await run(helper, `${serverUrl}\n`, options)
  if (status !== 0) {
    const said = `${stdout}\n${stderr}`.trim()
    if (NOTHING_STORED.test(said)) return undefined
    throw helperError(helper, `it failed with status ${status}: ${redact(said).slice(0, 200)}`)
  }
  return parseAnswer(helper, stdout)
}

function parseAnswer(helper: string, stdout: string): Credentials | undefined {
  let json: unknown
  try {
    json = JSON.parse(stdout)
  } catch {
    throw helperError(helper, 'the answer is not JSON')
  }
  const username = isObject(json) ? json.Username : undefined
  const secret = isObject(json) ? json.Secret : undefined
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw helperError(helper, 'the answer has no secret')
  if (secret === '') return undefined
  // Docker's sign for "the secret is a refresh token".
  if (username === '<token>') return { kind: 'identity-token', identityToken: secret }
  return { kind: 'password', username, password: secret }
}

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(helper: string, input: string, { deadlineMs, signal }: HelperOptions): Promise<Outcome> {
  signal?.throwIfAborted()
  return new Promise<Outcome>((resolve, reject) => {
    const child: ChildProcess = spawn(`docker-credential-${helper}`, ['get'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const abort = (): void => stop(signal?.reason)
    const timer = setTimeout(() => stop(helperError(helper, `no answer within ${deadlineMs} ms`)), deadlineMs)
    const output = { stdout: '', stderr: '' }

    function settle(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    function stop(reason: unknown): void {
      settle()
      child.kill('SIGKILL')
      reject(reason)
    }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        output[name] += text
        if (output[name].length > MAX_OUTPUT_BYTES) stop(helperError(helper, 'it writes too much'))
      })
    }
    signal?.addEventListener('abort', abort, { once: true })
    child.on('error', (cause) => stop(helperError(helper, 'it cannot be run', cause)))
    child.on('close', (status) => {
      settle()
      resolve({ status, ...output })
    })
    // A helper that exits without reading its input is judged by its status.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

function helperError(helper: string, reason: string, cause?: unknown): RegistryError {
  return new RegistryError(
    'ERR_CREDENTIALS_HELPER',
    `credential helper docker-credential-${helper}: ${reason}`,
    {
      cause,
      details: { helper },
      hint: 'install the helper, or take it out of docker\'s config.json ("credsStore", "credHelpers")',
    },
  )
}
