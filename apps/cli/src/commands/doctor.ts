// SPDX-License-Identifier: Apache-2.0
/** `nydus doctor`: what works on this machine, and towards these registries. */
import { formatDoctorReport } from '../doctor/doctor-report.ts'
import { examine } from '../doctor/examine.ts'
import { thisMachine } from '../doctor/machine.ts'
import type { CommandContext } from './context.ts'
import type { FlagValues } from './flag.ts'

/** As for every fault of this machine. */
const STATUS_UNHEALTHY = 5

/** Runs the command. @returns the exit status: 5 when anything is wrong. */
export async function runDoctor(
  flags: FlagValues,
  context: CommandContext,
  operands: readonly string[],
): Promise<number> {
  const report = await examine({
    machine: thisMachine(context.env),
    places: operands,
    workDir: flags.text('work-dir') ?? './tmp',
    insecure: flags.isSet('insecure'),
    plainHttp: flags.isSet('plain-http'),
    platform: flags.text('platform'),
    signal: context.signal,
  })
  context.stdout.write(`${flags.isSet('json') ? JSON.stringify(report) : formatDoctorReport(report)}\n`)
  if (report.healthy) return 0
  return context.calledAs === 'nydus' ? STATUS_UNHEALTHY : 1
}
