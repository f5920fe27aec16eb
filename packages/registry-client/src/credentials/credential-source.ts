// SPDX-License-Identifier: Apache-2.0
/** The port that asks for credentials. */

/** What proves who we are at one registry. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, exchanged at the registry's token server. */
  | { readonly kind: 'identity-token'; readonly identityToken: string }
  /** A bearer token used as it is. */
  | { readonly kind: 'registry-token'; readonly registryToken: string }

/** Finds credentials. Called again whenever they are needed, so that renewed ones are picked up. */
export interface CredentialSource {
  /** Credentials for `registry` (host, or host:port), or undefined for anonymous access. */
  credentialsFor(registry: string, signal?: AbortSignal): Promise<Credentials | undefined>
}

/** Always the same credentials, for one registry or (without `registry`) for whichever is asked. */
export function fixedCredentials(credentials: Credentials, registry?: string): CredentialSource {
  return {
    credentialsFor: async (asked) => (registry === undefined || registry === asked ? credentials : undefined),
  }
}
