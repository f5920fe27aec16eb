// SPDX-License-Identifier: Apache-2.0
/** What a check finds. */

/** The rules, in the order they run. */
export type RuleName = 'manifest' | 'bootstrap' | 'blob' | 'filesystem' | 'mount'

/** One difference or fault. */
export interface Finding {
  readonly rule: RuleName
  /** Absolute path inside the image, bytes that are not UTF-8 replaced. */
  readonly path?: string
  /** One line: what is wrong, with expected and found values. */
  readonly message: string
}

/** Receives findings as they come. */
export type FindingSink = (finding: Finding) => void

/** `rule: path: message` on one line. */
export function formatFinding({ rule, path, message }: Finding): string {
  return path === undefined ? `${rule}: ${message}` : `${rule}: ${path}: ${message}`
}
