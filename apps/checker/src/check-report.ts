// SPDX-License-Identifier: Apache-2.0
/** The result of a check, and the findings collected on the way. */
import type { Finding, FindingSink, RuleName } from './finding.ts'

/** How one rule ended. */
export interface RuleOutcome {
  readonly rule: RuleName
  readonly status: 'passed' | 'failed' | 'skipped'
  /** Why it was skipped. */
  readonly reason?: string
  readonly findingCount: number
}

/** What `checkImage` found out. */
export interface CheckReport {
  readonly source?: { readonly reference: string; readonly digest: string }
  readonly target: { readonly reference: string; readonly digest: string }
  /** E.g. `linux/amd64`. */
  readonly platform: string
  /** True when there is no finding. */
  readonly passed: boolean
  readonly rules: readonly RuleOutcome[]
  /** The first 1000; `findingCount` says how many there are. */
  readonly findings: readonly Finding[]
  readonly findingCount: number
  /** Paths of both images that were compared. */
  readonly pathCount: number
  /** Regular files among them. */
  readonly fileCount: number
  /** Chunks that were decoded and have their digest. */
  readonly chunkCount: number
  /** Bytes of the target's blobs that were read. */
  readonly blobBytes: number
}

const KEPT_FINDINGS = 1000

/** Counts findings by rule and keeps the first ones. */
export class FindingLog {
  readonly findings: Finding[] = []
  count = 0
  readonly #counts = new Map<RuleName, number>()
  readonly #outcomes: RuleOutcome[] = []
  readonly #forward: FindingSink | undefined

  /** @param forward called for every finding. */
  constructor(forward: FindingSink | undefined) {
    this.#forward = forward
  }

  /** Takes a finding. */
  readonly report: FindingSink = (finding) => {
    this.count += 1
    this.#counts.set(finding.rule, (this.#counts.get(finding.rule) ?? 0) + 1)
    if (this.findings.length < KEPT_FINDINGS) this.findings.push(finding)
    this.#forward?.(finding)
  }

  /** Notes that a rule ran to its end, with the findings it has so far. */
  finish(rule: RuleName): void {
    const findingCount = this.#counts.get(rule) ?? 0
    this.#outcomes.push({ rule, status: findingCount === 0 ? 'passed' : 'failed', findingCount })
  }

  /** Notes that a rule did not run. */
  skip(rule: RuleName, reason: string): void {
    this.#outcomes.push({ rule, status: 'skipped', reason, findingCount: 0 })
  }

  get outcomes(): readonly RuleOutcome[] {
    return this.#outcomes
  }
}
