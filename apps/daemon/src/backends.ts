// SPDX-License-Identifier: Apache-2.0
/** From the configuration of a backend to the backend. */
import { type CredentialSource, fixedCredentials, openImageStore } from '@nydus/registry-client'
import type { LocalfsConfig, RegistryConfig } from './config-schema.ts'
import { DaemonError } from './daemon-error.ts'
import { type ImageBackend, localBackend, storeBackend } from './image-backend.ts'

/** A backend as the configuration file names it. */
export type BackendConfig =
  | { readonly type: 'registry'; readonly config: RegistryConfig }
  | { readonly type: 'localfs'; readonly config: LocalfsConfig }

/**
 * Opens a backend; no connection is made yet.
 * @param liveAuth asked whenever credentials are needed: base64 of `user:password` that replaces the registry's `auth`.
 * @throws {DaemonError} ERR_CONFIG_INVALID for a setting that cannot be honoured.
 */
export function openBackend(backend: BackendConfig, liveAuth?: () => string | undefined): ImageBackend {
  if (backend.type === 'registry') return registryBackend(backend.config, liveAuth)
  const { dir, alt_dirs: altDirs, blob_file: blobFile } = backend.config
  if (dir === '' && blobFile === '' && altDirs.length === 0) throw invalid('localfs needs dir or blob_file')
  return localBackend({ dir, altDirs, blobFile })
}

function registryBackend(config: RegistryConfig, liveAuth?: () => string | undefined): ImageBackend {
  refuseUnsupported(config)
  const credentials = liveAuth === undefined ? credentialsOf(config) : liveCredentials(config, liveAuth)
  const silence = Math.max(config.timeout, config.connect_timeout)
  const store = openImageStore(`${addressOf(config)}/${config.repo}`, {
    plainHttp: config.scheme === 'http',
    insecure: config.skip_verify,
    ...(credentials === undefined ? {} : { credentials }),
    ...(silence === 0 ? {} : { deadlineMs: silence * 1000 }),
  })
  return storeBackend(store, true)
}

/** A host without dot or port would be taken for the first part of a Docker Hub repository. */
function addressOf({ host, scheme }: RegistryConfig): string {
  if (/[.:]/.test(host) || host === 'localhost') return host
  return `${host}:${scheme === 'http' ? 80 : 443}`
}

function credentialsOf({
  auth,
  registry_token: registryToken,
}: RegistryConfig): CredentialSource | undefined {
  if (registryToken) return fixedCredentials({ kind: 'registry-token', registryToken })
  if (!auth) return undefined
  const decoded = Buffer.from(auth, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  if (colon < 0) throw invalid('registry.auth is not the base64 form of user:password')
  return fixedCredentials({
    kind: 'password',
    username: decoded.slice(0, colon),
    password: decoded.slice(colon + 1),
  })
}

/** Those of the configuration until others are set. */
function liveCredentials(config: RegistryConfig, liveAuth: () => string | undefined): CredentialSource {
  const configured = credentialsOf(config)
  return {
    async credentialsFor(registry, signal) {
      const auth = liveAuth()
      const source =
        auth === undefined ? configured : credentialsOf({ ...config, auth, registry_token: null })
      return source?.credentialsFor(registry, signal)
    },
  }
}

/** Silently ignoring one of these would send requests to the wrong place or trust the wrong host. */
function refuseUnsupported(config: RegistryConfig): void {
  const unsupported: readonly (readonly [string, boolean])[] = [
    ['ca_cert_files', config.ca_cert_files.length > 0],
    ['proxy.url', config.proxy.url !== ''],
    ['proxy.dragonfly_scheduler_endpoint', config.proxy.dragonfly_scheduler_endpoint !== ''],
    ['blob_url_scheme', config.blob_url_scheme !== ''],
    ['blob_redirected_host', config.blob_redirected_host !== ''],
  ]
  for (const [name, isSet] of unsupported) if (isSet) throw invalid(`registry.${name} is not supported yet`)
}

function invalid(what: string): DaemonError {
  return new DaemonError('ERR_CONFIG_INVALID', `backend: ${what}`, { hint: 'change device.backend.config' })
}
