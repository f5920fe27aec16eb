// SPDX-License-Identifier: Apache-2.0
/** Credentials as docker and its relatives keep them. https://docs.docker.com/reference/cli/docker/login/ */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { RegistryError } from '../errors.ts'
import { isObject } from '../parse-document.ts'
import { DOCKER_HUB_REGISTRY } from '../reference.ts'
import { askCredentialHelper } from './credential-helper.ts'
import type { CredentialSource, Credentials } from './credential-source.ts'

/** Where to look. */
export interface DockerCredentialsOptions {
  /** The configuration file. Default `~/.docker/config.json`; programs that honour DOCKER_CONFIG pass the path themselves. */
  readonly configFile?: string
  /** Milliseconds that a credential helper may take, default 30,000: helpers may ask the person. */
  readonly helperDeadlineMs?: number
}

/** The key under which docker keeps Docker Hub's credentials. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/'
const DEFAULT_HELPER_DEADLINE_MS = 30_000

/**
 * Credentials from docker's configuration file: the registry's own helper (`credHelpers`), then the helper for all
 * (`credsStore`), then the entry under `auths`. The file is read anew each time, so that a `docker login` during a long run counts.
 * A missing file means anonymous; a damaged one is ERR_CONFIG_INVALID, a failing helper ERR_CREDENTIALS_HELPER.
 */
export function dockerCredentials(options: DockerCredentialsOptions = {}): CredentialSource {
  const file = options.configFile ?? join(homedir(), '.docker', 'config.json')
  const deadlineMs = options.helperDeadlineMs ?? DEFAULT_HELPER_DEADLINE_MS
  return {
    async credentialsFor(registry, signal) {
      const config = await readConfig(file)
      if (config === undefined) return undefined
      const keys = keysOf(registry)
      const helpers = config.credHelpers
      for (const key of keys) {
        const helper = isObject(helpers) ? helpers[key] : undefined
        if (typeof helper === 'string' && helper !== '')
          return askCredentialHelper(helper, key, { deadlineMs, signal })
      }
      const store = config.credsStore
      if (typeof store === 'string' && store !== '') {
        const found = await askCredentialHelper(store, keys[0] ?? registry, { deadlineMs, signal })
        if (found !== undefined) return found
      }
      return storedCredentials(config.auths, keys, file)
    },
  }
}

/** The names under which a registry's credentials may be kept, the usual one first. */
function keysOf(registry: string): readonly string[] {
  if (registry === DOCKER_HUB_REGISTRY)
    return [DOCKER_HUB_KEY, 'docker.io', 'index.docker.io', DOCKER_HUB_REGISTRY]
  return [registry]
}

async function readConfig(file: string): Promise<Record<string, unknown> | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR'))
      return undefined
    throw badConfig(file, 'it cannot be read', cause)
  }
  if (text.trim() === '') return undefined
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // The cause would quote the file, which holds passwords.
    throw badConfig(file, 'it is not JSON')
  }
  if (!isObject(json)) throw badConfig(file, 'it is not a JSON object')
  return json
}

/** Exact host only: credentials must not reach a neighbour. A stored key may be a URL, as old dockers wrote it. */
function storedCredentials(auths: unknown, keys: readonly string[], file: string): Credentials | undefined {
  if (!isObject(auths)) return undefined
  const entry =
    keys.map((key) => auths[key]).find((value) => value !== undefined) ??
    Object.entries(auths).find(([key]) => keys.includes(hostOf(key)))?.[1]
  if (!isObject(entry)) return undefined
  if (isText(entry.registrytoken)) return { kind: 'registry-token', registryToken: entry.registrytoken }
  if (isText(entry.identitytoken)) return { kind: 'identity-token', identityToken: entry.identitytoken }
  if (isText(entry.auth)) return decodeAuth(entry.auth, file)
  if (isText(entry.username) && typeof entry.password === 'string') {
    return { kind: 'password', username: entry.username, password: entry.password }
  }
  return undefined
}

/** Decodes `base64(user:password)`. @throws {RegistryError} ERR_CONFIG_INVALID, without quoting the text. */
export function decodeAuth(auth: string, origin: string): Credentials {
  const text = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '')
  const colon = text.indexOf(':')
  if (colon <= 0) throw badConfig(origin, 'an "auth" is not base64 of user:password')
  return { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) }
}

function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function badConfig(file: string, reason: string, cause?: unknown): RegistryError {
  return new RegistryError('ERR_CONFIG_INVALID', `docker configuration ${file}: ${reason}`, {
    cause,
    details: { file },
    hint: 'repair or remove the file; "docker login" writes a new one',
  })
}
