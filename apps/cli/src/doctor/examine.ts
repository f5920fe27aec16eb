// SPDX-License-Identifier: Apache-2.0
/** `doctor`: all checks, and what they mean for mounts. */
import type { RemoteImageOptions } from '../inspect/remote-image.ts'
import { BUILDER_VERSION } from '../version.ts'
import { forecastPlane, kernelProbe, type PlaneProbe } from './data-plane.ts'
import type { DoctorReport } from './doctor-report.ts'
import type { Machine } from './machine.ts'
import { checkMachine } from './machine-checks.ts'
import { checkPlace } from './registry-checks.ts'

/** What to look at. */
export interface ExamineOptions extends Omit<RemoteImageOptions, 'image'> {
  readonly machine: Machine
  /** Registries (`localhost:5000`) and images to reach. */
  readonly places: readonly string[]
  /** Where temporary files and caches go. */
  readonly workDir: string
  /** Default: the kernel of this machine. */
  readonly probe?: PlaneProbe
}

/** Looks at everything; what is wrong is in the report. @throws the signal's reason. */
export async function examine(options: ExamineOptions): Promise<DoctorReport> {
  const { machine, places, workDir } = options
  const checks = await checkMachine(machine, workDir)
  const found = await Promise.all(places.map((image) => checkPlace({ ...options, image })))
  const bootstrap = found.find((place) => place.bootstrap !== undefined)?.bootstrap
  const probe = options.probe ?? (await kernelProbe())
  const dataPlane = await forecastPlane(machine, checks, probe, bootstrap)
  const all = [...checks, ...found.map(({ check }) => check)]
  return {
    version: BUILDER_VERSION,
    checks: all,
    dataPlane,
    healthy: all.every(({ status }) => status !== 'fail'),
  }
}
