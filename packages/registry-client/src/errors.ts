// SPDX-License-Identifier: Apache-2.0
/** Errors of registries and image stores, and what a response status means. */
import { type ErrorCode, NydusError, type NydusErrorOptions, redact } from '@nydus/base/error'

/** More than the base error knows. */
export interface RegistryErrorOptions extends NydusErrorOptions {
  /** HTTP status, when a response was received. */
  readonly status?: number | undefined
  /** The distribution specification's error code, e.g. `MANIFEST_UNKNOWN`. */
  readonly registryCode?: string | undefined
  /** Request address; credentials are removed here. */
  readonly url?: string | undefined
}

/** A registry, archive or layout that did not give what was asked for. `details` has status, registryCode and url. */
export class RegistryError extends NydusError {
  override readonly name = 'RegistryError'
  readonly status: number | undefined
  readonly registryCode: string | undefined

  constructor(code: ErrorCode, message: string, options: RegistryErrorOptions = {}) {
    const { status, registryCode, url, details, ...rest } = options
    super(code, redact(message), {
      ...rest,
      details: {
        ...details,
        ...(status === undefined ? {} : { status }),
        ...(registryCode === undefined ? {} : { registryCode }),
        ...(url === undefined ? {} : { url: redactUrl(url) }),
      },
    })
    this.status = status
    this.registryCode = registryCode
  }
}

/** A URL without user info and without the values of its query: presigned addresses are credentials. */
export function redactUrl(url: string): string {
  return redact(url).replace(/([?&][^=&]+)=[^&]*/g, '$1=***')
}

/** What to do about missing or refused credentials. */
export function loginHint(registry: string): string {
  return `run "docker login${registry === 'registry-1.docker.io' ? '' : ` ${registry}`}"`
}

/** What went wrong, by status. */
export interface StatusMeaning {
  readonly code: ErrorCode
  readonly retryable: boolean
}

/** Meaning of a failed response. @param upload whether the request tried to change the registry. */
export function statusMeaning(status: number, upload: boolean): StatusMeaning {
  if (status === 401) return { code: 'ERR_REGISTRY_UNAUTHORIZED', retryable: false }
  if (status === 403) return { code: 'ERR_REGISTRY_DENIED', retryable: false }
  if (status === 404) return { code: 'ERR_REGISTRY_NOT_FOUND', retryable: false }
  if (status === 408) return { code: 'ERR_REGISTRY_TIMEOUT', retryable: true }
  if (status === 416) return { code: 'ERR_REGISTRY_RANGE_UNSUPPORTED', retryable: false }
  if (status === 429) return { code: 'ERR_REGISTRY_RATE_LIMITED', retryable: true }
  if (status >= 500) return { code: 'ERR_REGISTRY_UNAVAILABLE', retryable: status !== 501 && status !== 505 }
  return { code: upload ? 'ERR_REGISTRY_UPLOAD_REJECTED' : 'ERR_REGISTRY_BAD_RESPONSE', retryable: false }
}
