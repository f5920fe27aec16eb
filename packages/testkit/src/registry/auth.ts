// SPDX-License-Identifier: Apache-2.0
/** Who may do what: Basic, or Bearer tokens from the registry's own `/token`. */
import { randomUUID } from 'node:crypto'
import { answer, type Exchange, readSmallBody, refuse } from './exchange.ts'

/** How the registry asks for credentials. */
export type AuthOptions =
  | { readonly scheme: 'basic'; readonly username: string; readonly password: string }
  | {
      readonly scheme: 'bearer'
      readonly username: string
      readonly password: string
      /** True when `/token` gives tokens for pulling to those who bring no credentials. */
      readonly anonymousPull?: boolean
      /** Seconds that a token lives, as told to the client. Default 300. */
      readonly expiresInSeconds?: number
      /** Identity token that `POST /token` takes with `grant_type=refresh_token`. */
      readonly refreshToken?: string
    }

/** The gate in front of all routes. */
export interface Gate {
  /** True when the request may go on; else it was answered. */
  admit(exchange: Exchange): Promise<boolean>
  /** Answers `/token`. */
  token(exchange: Exchange): Promise<void>
  /** Makes every token given out so far useless. */
  expireTokens(): void
}

interface Grant {
  readonly repository: string
  readonly actions: readonly string[]
}

/** Makes the gate; without options everything is open. */
export function createGate(options: AuthOptions | undefined, origin: () => string): Gate {
  const tokens = new Map<string, readonly Grant[]>()
  const expireTokens = () => tokens.clear()
  if (options === undefined) {
    return {
      admit: async () => true,
      token: (exchange) => refuse(exchange, 404, 'UNSUPPORTED', 'no tokens here'),
      expireTokens,
    }
  }
  const basic = `Basic ${Buffer.from(`${options.username}:${options.password}`).toString('base64')}`
  if (options.scheme === 'basic') {
    return {
      admit: (exchange) =>
        admitIf(exchange, exchange.request.headers.authorization === basic, 'Basic realm="test registry"'),
      token: (exchange) => refuse(exchange, 404, 'UNSUPPORTED', 'no tokens here'),
      expireTokens,
    }
  }
  return {
    expireTokens,
    admit(exchange) {
      const needed = neededGrant(exchange)
      const token = /^Bearer (.+)$/.exec(exchange.request.headers.authorization ?? '')?.[1] ?? ''
      const scope =
        needed.repository === '' ? '' : `,scope="repository:${needed.repository}:${needed.actions.join(',')}"`
      const challenge = `Bearer realm="${origin()}/token",service="test-registry"${scope}`
      return admitIf(exchange, covers(tokens.get(token), needed), challenge)
    },
    async token(exchange) {
      const { known, scopes } = await identify(exchange, basic, options.refreshToken)
      const grants = scopes.map(parseScope)
      if (!known && !(options.anonymousPull && grants.every(({ actions }) => actions.join() === 'pull'))) {
        await refuse(exchange, 401, 'UNAUTHORIZED', 'unknown user or wrong password')
        return
      }
      const token = randomUUID()
      tokens.set(token, grants)
      const body = { token, access_token: token, expires_in: options.expiresInSeconds ?? 300 }
      await answer(exchange, 200, { 'content-type': 'application/json' }, Buffer.from(JSON.stringify(body)))
    },
  }
}

async function identify(exchange: Exchange, basic: string, refreshToken: string | undefined) {
  if (exchange.log.method === 'POST') {
    const form = new URLSearchParams((await readSmallBody(exchange, 64 << 10)).toString())
    const known = refreshToken !== undefined && form.get('refresh_token') === refreshToken
    return { known, scopes: (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '') }
  }
  const known = exchange.request.headers.authorization === basic
  return { known, scopes: exchange.url.searchParams.getAll('scope').flatMap((scope) => scope.split(' ')) }
}

async function admitIf(exchange: Exchange, admitted: boolean, challenge: string): Promise<boolean> {
  if (!admitted)
    await refuse(exchange, 401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': challenge })
  return admitted
}

function neededGrant(exchange: Exchange): Grant {
  const { method, repository } = exchange.log
  return { repository, actions: method === 'GET' || method === 'HEAD' ? ['pull'] : ['pull', 'push'] }
}

function covers(grants: readonly Grant[] | undefined, needed: Grant): boolean {
  if (grants === undefined) return false
  if (needed.repository === '') return true
  return needed.actions.every((action) =>
    grants.some((grant) => grant.repository === needed.repository && grant.actions.includes(action)),
  )
}

function parseScope(scope: string): Grant {
  const [, repository = '', actions = ''] = /^repository:(.+):([a-z,*]+)$/.exec(scope) ?? []
  return { repository, actions: actions.split(',') }
}
