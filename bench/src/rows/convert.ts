// SPDX-License-Identifier: Apache-2.0
/** Rows: converting the image, and what comes out. */
import { must } from '../../../e2e/src/run.ts'
import { type Measured, measureMedian } from '../measure.ts'
import type { Report } from '../report.ts'
import type { Setting } from '../setting.ts'

const RUNS = 3

/** Target references of ours and of the original's last conversion, for the rows that read them. */
export interface ConvertedImages {
  readonly ours: string
  readonly original: string | undefined
}

/** Converts into a new repository each time, so that nothing is there already. */
export async function convertRows(setting: Setting, report: Report, runs = RUNS): Promise<ConvertedImages> {
  const ours = await conversions(setting, 'ours', ['nydus', 'convert'], runs)
  const peers = setting.peers
  const original = peers
    ? await conversions(
        setting,
        'original',
        [peers.nydusify, 'convert', '--nydus-image', peers.nydusImage],
        runs,
      )
    : undefined
  const of = (pick: (measured: Measured) => number) => ({
    ours: pick(ours.measured),
    original: original && pick(original.measured),
  })
  report.add({ work: 'convert, wall', unit: 's', ...of((run) => run.wallSeconds), bar: '≤ 0.65×' })
  report.add({ work: 'convert, CPU', unit: 's', ...of((run) => run.cpuSeconds), bar: '≤ 1.0×' })
  report.add({ work: 'convert, largest process', unit: 'MiB', ...of((run) => run.peakMiB), bar: '≤ 400 MB' })
  report.add({
    work: 'converted size (layers)',
    unit: 'MB',
    ours: await layerMegabytes(ours.target),
    original: original && (await layerMegabytes(original.target)),
    bar: '≤ 1.00×',
  })
  return { ours: ours.target, original: original?.target }
}

async function conversions(
  setting: Setting,
  name: string,
  command: readonly string[],
  runs: number,
): Promise<{ measured: Measured; target: string }> {
  let target = ''
  let count = 0
  const args = [
    '--source',
    setting.source,
    '--source-insecure',
    '--target-insecure',
    '--plain-http',
    '--work-dir',
    `${setting.work}/tmp-${name}`,
  ]
  const line: string[] = []
  const measured = await measureMedian(line, runs, () => {
    target = `${setting.registry.host}/bench/${name}-${count++}:nydus`
    line.splice(0, line.length, ...command, ...args, '--target', target)
  })
  return { measured, target }
}

async function layerMegabytes(reference: string): Promise<number> {
  const { stdout } = await must(['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${reference}`])
  const { layers } = JSON.parse(stdout) as { layers: { size: number }[] }
  return layers.reduce((sum, layer) => sum + layer.size, 0) / 1e6
}
