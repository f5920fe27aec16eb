// SPDX-License-Identifier: Apache-2.0
/** A backend's settings from a document, without the rest of a daemon's configuration. */
import type { BackendConfig } from './backends.ts'
import { backend } from './config-schema.ts'
import { DaemonError } from './daemon-error.ts'

/**
 * Checks the settings of a backend and fills in defaults.
 * @param type `registry` or `localfs`.
 * @param config what belongs to that type.
 * @throws {DaemonError} ERR_CONFIG_INVALID, with the path of the member that is wrong and never its value.
 */
export function parseBackend(type: string, config: unknown): BackendConfig {
  const parsed = backend.safeParse({ type, config })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue?.path.join('.') ?? ''
  throw new DaemonError('ERR_CONFIG_INVALID', `backend ${type}: ${path}: ${issue?.message ?? 'not valid'}`, {
    hint: 'change the configuration of the backend',
  })
}
