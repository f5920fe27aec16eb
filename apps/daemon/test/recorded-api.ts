// SPDX-License-Identifier: Apache-2.0
/** What the original's daemon answered: see fixtures/api/README.md. */
import { readFileSync } from 'node:fs'

export interface Exchange {
  readonly args?: readonly string[]
  readonly exit?: number | null
  readonly request?: { readonly method: string; readonly path: string; readonly body?: unknown }
  readonly response?: {
    readonly status: number
    readonly reason: string
    readonly headers: unknown
    readonly body?: unknown
  }
}

export function recorded(scenario: string): readonly Exchange[] {
  const text = readFileSync(new URL(`../../../fixtures/api/${scenario}.json`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { exchanges: readonly Exchange[] }).exchanges
}
