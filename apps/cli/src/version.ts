// SPDX-License-Identifier: Apache-2.0
/** The version of this package, read once from its package.json (one level above `src` and above `dist`). */
import { readFileSync } from 'node:fs'

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const document = JSON.parse(text) as { readonly version?: unknown }
  return typeof document.version === 'string' ? document.version : '0.0.0'
}

/** Version of `@nydus/cli`, as `--version` prints it. */
export const VERSION = readVersion()

/** What converted images say in their `nydus-builder-version` annotation. */
export const BUILDER_VERSION = `nydus-ts-v${VERSION}`
