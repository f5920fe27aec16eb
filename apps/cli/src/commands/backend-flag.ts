// SPDX-License-Identifier: Apache-2.0
import { readBackendConfig } from '../copy/backend-config.ts'
import type { BackendPlace } from '../copy/copy-options.ts'
import type { FlagValues } from './flag.ts'
import { usage } from './usage.ts'

/** What the backend flags of one side say. @param prefix e.g. `source-`. @throws {NydusError} ERR_USAGE, ERR_CONFIG_INVALID */
export function backendOf(flags: FlagValues, prefix: string): BackendPlace | undefined {
  const type = flags.text(`${prefix}backend-type`)
  const text = flags.text(`${prefix}backend-config`)
  const file = flags.text(`${prefix}backend-config-file`)
  if (type === undefined) {
    if (text === undefined && file === undefined) return undefined
    throw usage(`--${prefix}backend-type is missing`, 'the configuration of a backend needs its type')
  }
  if (text !== undefined && file !== undefined) {
    throw usage(`--${prefix}backend-config and --${prefix}backend-config-file exclude each other`)
  }
  if (text === undefined && file === undefined) {
    throw usage(`--${prefix}backend-type needs --${prefix}backend-config or --${prefix}backend-config-file`)
  }
  return { type, config: readBackendConfig(text, file) }
}
