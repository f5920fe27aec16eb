// SPDX-License-Identifier: Apache-2.0
/** Decides the Authorization header of each request to one registry: none, Basic, or a Bearer token for its scopes. */
import type { CredentialSource, Credentials } from '../credentials/credential-source.ts'
import { basicAuthorization } from './basic-auth.ts'
import { type Challenge, chooseChallenge } from './challenge.ts'
import { waitFor } from './deadline.ts'
import type { HttpClient } from './http.ts'
import { fetchToken, type Token } from './token-auth.ts'

/** The authorization state of one registry. Safe for concurrent use; equal token requests are made once. */
export interface Authorizer {
  /** The header value for `scopes`, as far as the registry's wishes are known; undefined for none. */
  authorize(scopes: readonly string[], signal: AbortSignal | undefined): Promise<string | undefined>
  /** Learns from the WWW-Authenticate header of a response. */
  learn(challengeHeader: string | undefined): void
  /**
   * Drops what `refused` was made from, after a 401 or 403, and authorizes anew.
   * @returns undefined when nothing else can be tried.
   */
  renew(
    scopes: readonly string[],
    refused: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined>
}

/** What an authorizer is made with. */
export interface AuthorizerOptions {
  readonly http: HttpClient
  /** Host, or host:port. */
  readonly registry: string
  readonly credentials: CredentialSource | undefined
  /** Whether the token server may be plain http. */
  readonly plainHttpAllowed: () => boolean
}

/** Makes the authorization state of one registry; it knows nothing until `learn` is called. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const { http, registry } = options
  const tokens = new Map<string, Token>()
  const pending = new Map<string, Promise<Token>>()
  let challenge: Challenge | undefined

  async function bearer(
    wanted: Challenge,
    scopes: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const key = scopes.join(' ')
    const known = tokens.get(key)
    if (known !== undefined && known.expiresAt > Date.now()) return `Bearer ${known.token}`
    const running = pending.get(key) ?? startFetch(wanted, scopes, key)
    return `Bearer ${(await waitFor(running, signal)).token}`
  }

  function startFetch(wanted: Challenge, scopes: readonly string[], key: string): Promise<Token> {
    // Not bound to the first caller's signal: others may be waiting. The client's deadline ends it.
    const running = requestToken(wanted, scopes)
      .then((token) => {
        tokens.set(key, token)
        return token
      })
      .finally(() => pending.delete(key))
    pending.set(key, running)
    running.catch(() => {})
    return running
  }

  async function requestToken(wanted: Challenge, scopes: readonly string[]): Promise<Token> {
    const credentials = await findCredentials(undefined)
    if (credentials?.kind === 'registry-token')
      return { token: credentials.registryToken, expiresAt: Date.now() + 60_000 }
    return fetchToken(http, {
      registry,
      realm: wanted.parameters.realm ?? '',
      service: wanted.parameters.service,
      scopes,
      credentials,
      plainHttpAllowed: options.plainHttpAllowed(),
    })
  }

  async function findCredentials(signal: AbortSignal | undefined): Promise<Credentials | undefined> {
    return options.credentials?.credentialsFor(registry, signal)
  }

  async function authorize(
    scopes: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    if (challenge === undefined) return undefined
    if (challenge.scheme === 'bearer') return bearer(challenge, scopes, signal)
    const credentials = await findCredentials(signal)
    if (credentials?.kind === 'registry-token') return `Bearer ${credentials.registryToken}`
    return credentials?.kind === 'password' ? basicAuthorization(credentials) : undefined
  }

  return {
    authorize,
    learn(challengeHeader) {
      challenge = chooseChallenge(challengeHeader) ?? challenge
    },
    async renew(scopes, refused, signal) {
      const key = scopes.join(' ')
      const cached = tokens.get(key)
      // Another request may have renewed it meanwhile: then that one is tried.
      if (cached !== undefined && `Bearer ${cached.token}` === refused) tokens.delete(key)
      const renewed = await authorize(scopes, signal)
      return renewed === refused && challenge?.scheme !== 'bearer' ? undefined : renewed
    },
  }
}
