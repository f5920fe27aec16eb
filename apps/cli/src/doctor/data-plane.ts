// SPDX-License-Identifier: Apache-2.0
/** Which data plane a mount would get here. The kernel is really asked: a small image is mounted and taken away. */
import type { ErofsVerdict } from '@nydus/fuse-fs'
import type { Bootstrap } from '@nydus/rafs-format'
import type { DoctorCheck, PlaneForecast } from './doctor-report.ts'
import type { Machine } from './machine.ts'
import { mayMount } from './machine-checks.ts'

/** How the kernel is asked; tests bring another way. */
export interface PlaneProbe {
  readonly testErofs: () => Promise<ErofsVerdict>
  /** Why the kernel cannot mount this image. */
  readonly whyNotErofs: (bootstrap: Bootstrap) => string | undefined
}

/** The kernel of this machine. */
export async function kernelProbe(): Promise<PlaneProbe> {
  return await import('@nydus/fuse-fs') // slow to load
}

/**
 * Foretells the plane of a RAFS v6 image, or of `bootstrap`.
 * @param checks those of the machine, which may rule mounts out.
 */
export async function forecastPlane(
  machine: Machine,
  checks: readonly DoctorCheck[],
  probe: PlaneProbe,
  bootstrap?: Bootstrap,
): Promise<PlaneForecast> {
  const failed = checks.find(({ name, status }) => status === 'fail' && MOUNT_CHECKS.has(name))
  if (failed !== undefined) return { plane: 'none', reason: failed.detail }
  if (machine.platform !== 'linux') return { plane: 'none', reason: 'mounts need Linux' }
  const reason = await whyNotErofs(machine, probe, bootstrap)
  if (reason === undefined) return { plane: 'erofs', reason: 'the kernel passed the self-test' }
  return { plane: 'fuse', reason }
}

/** Names of checks without which nothing can be mounted. */
const MOUNT_CHECKS: ReadonlySet<string> = new Set([
  'file systems',
  'fuse device',
  'permissions',
  'native calls',
])

async function whyNotErofs(
  machine: Machine,
  probe: PlaneProbe,
  bootstrap: Bootstrap | undefined,
): Promise<string | undefined> {
  if (machine.euid !== 0 || !mayMount(machine)) return 'only root may mount EROFS'
  const reason = bootstrap === undefined ? undefined : probe.whyNotErofs(bootstrap)
  if (reason !== undefined) return reason
  const verdict = await probe.testErofs()
  return verdict.usable ? undefined : verdict.reason
}
