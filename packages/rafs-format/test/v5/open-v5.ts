// SPDX-License-Identifier: Apache-2.0
import { openBootstrap, type V5Bootstrap } from '../../src/index.ts'

/** Opens what must be a v5 bootstrap. */
export function openV5(bytes: Uint8Array): V5Bootstrap {
  const bootstrap = openBootstrap(bytes)
  if (bootstrap.fsVersion === 5) return bootstrap
  throw new Error(`a v${bootstrap.fsVersion} bootstrap`)
}
