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
  /** What the format asks for, where that is one value. */
  readonly expected?: unknown
  /** What is there instead. */
  readonly found?: unknown
}

/** Where a finding is; a function where the text costs more than the check, called only for findings. */
export type FindingPlace = string | (() => string)

/** Collects findings up to a limit. Half of the room is for errors, so that warnings cannot hide them. */
export class FindingList {
  readonly #findings: Finding[] = []
  readonly #limit: number
  #warningsLeft: number

  /** @param limit how many findings are kept, ≥ 2. */
  constructor(limit: number) {
    this.#limit = limit
    this.#warningsLeft = Math.floor(limit / 2)
  }

  get all(): readonly Finding[] {
    return this.#findings
  }

  /** True once nothing more is kept. */
  get full(): boolean {
    return this.#findings.length >= this.#limit
  }

  add({ place, ...members }: Omit<Finding, 'place'> & { readonly place: FindingPlace }): void {
    if (this.full || (members.severity === 'warning' && this.#warningsLeft-- <= 0)) return
    this.#findings.push({ ...members, place: typeof place === 'string' ? place : place() })
  }

  /** Adds an ERR_FORMAT_CORRUPT finding unless `holds`. */
  expect(
    holds: boolean,
    place: FindingPlace,
    message: string,
    severity: Finding['severity'] = 'error',
  ): void {
    if (!holds) this.add({ severity, code: 'ERR_FORMAT_CORRUPT', place, message })
  }

  /** Adds an ERR_FORMAT_CORRUPT finding when `what` is not `expected`. Numbers are shown in decimal. */
  equal(
    place: FindingPlace,
    what: string,
    found: number | string,
    expected: number | string,
    severity: Finding['severity'] = 'error',
  ): void {
    if (found === expected) return
    const message = `${what} is ${found}, expected ${expected}`
    this.add({ severity, code: 'ERR_FORMAT_CORRUPT', place, message, expected, found })
  }

  /** Runs `check` and turns a coded error into a finding; anything else is a bug and passes through. */
  guard(place: FindingPlace, check: () => void): void {
    try {
      check()
    } catch (error) {
      if (!isNydusError(error)) throw error
      const { expected, found } = error.details
      this.add({
        severity: 'error',
        code: error.code,
        place,
        message: describeError(error),
        ...(expected !== undefined && { expected }),
        ...(found !== undefined && { found }),
      })
    }
  }
}
