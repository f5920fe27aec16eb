// SPDX-License-Identifier: Apache-2.0
/** What `doctor` found, for programs and people. */

/** One thing that was looked at. */
export interface DoctorCheck {
  /** E.g. `fuse device`. */
  readonly name: string
  /** 'warn': works, but not as well as it could. 'fail': something cannot be done here. */
  readonly status: 'ok' | 'warn' | 'fail'
  /** What was found. */
  readonly detail: string
  /** What to do about it. */
  readonly hint?: string
}

/** Which data plane `--data-plane auto` would take, and why not the other. */
export interface PlaneForecast {
  readonly plane: 'erofs' | 'fuse' | 'none'
  readonly reason: string
}

/** All of it. */
export interface DoctorReport {
  readonly version: string
  readonly checks: readonly DoctorCheck[]
  readonly dataPlane: PlaneForecast
  /** False when any check failed. */
  readonly healthy: boolean
}

const MARKS: Readonly<Record<DoctorCheck['status'], string>> = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' }
const INDENT = '     '

/** Lines for people, without a final newline. */
export function formatDoctorReport({ version, checks, dataPlane, healthy }: DoctorReport): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  const lines = checks.flatMap(({ name, status, detail, hint }) => [
    `${MARKS[status]} ${name.padEnd(width)}  ${detail}`,
    ...(hint === undefined ? [] : [`${INDENT}${' '.repeat(width)}  ${hint}`]),
  ])
  const plane =
    dataPlane.plane === 'none'
      ? 'images cannot be mounted here'
      : `nydusd --data-plane auto takes the ${dataPlane.plane} data plane`
  const end = healthy ? 'nothing is wrong' : 'something is wrong, see FAIL above'
  return [version, ...lines, '', `${plane}: ${dataPlane.reason}`, end].join('\n')
}
