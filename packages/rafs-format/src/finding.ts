// SPDX-License-Identifier: Apache-2.0
/** Findings of a structural check. */
import { describeError, type ErrorCode, isNydusError } from '@nydus/base/error'

/** Something in a bootstrap that is not what the format says. */
export interface Finding {
  /** `error`: readers may fail or show something else. `warning`: unusual, but readable. */
  readonly severity: 'error' | 'warning'
  readonly code: ErrorCode
  /** Part of the bootstrap: `superblock`, `blob table`, `device table`, `chunk table`, `prefetch table` or a path. */
  readonly place: string
  /** Lower-case, with the values. */
  readonly message: string
}

/** Collects findings up to a limit; counts the rest. */
export class FindingList {
  readonly #findings: Finding[] = []
  readonly #limit: number

  /** @param limit how many findings are kept, ≥ 1. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get all(): readonly Finding[] {
    return this.#findings
  }

  /** True once nothing more is kept. */
  get full(): boolean {
    return this.#findings.length >= this.#limit
  }

  add(finding: Finding): void {
    if (!this.full) this.#findings.push(finding)
  }

  /** Adds an ERR_FORMAT_CORRUPT finding unless `holds`. */
  expect(holds: boolean, place: string, message: string, severity: Finding['severity'] = 'error'): void {
    if (!holds) this.add({ severity, code: 'ERR_FORMAT_CORRUPT', place, message })
  }

  /** Runs `check` and turns a coded error into a finding; anything else is a bug and passes through. */
  guard(place: string, check: () => void): void {
    try {
      check()
    } catch (error) {
      if (!isNydusError(error)) throw error
      this.add({ severity: 'error', code: error.code, place, message: describeError(error) })
    }
  }
}
