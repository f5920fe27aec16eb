// SPDX-License-Identifier: Apache-2.0
/** Row: checking the source against the target. */
import { measureMedian } from '../measure.ts'
import type { Report } from '../report.ts'
import type { Setting } from '../setting.ts'
import type { ConvertedImages } from './convert.ts'

const RUNS = 3

/** Each checks the image that it made itself. */
export async function checkRows(
  setting: Setting,
  report: Report,
  images: ConvertedImages,
  runs = RUNS,
): Promise<void> {
  const common = ['--source', setting.source, '--source-insecure', '--target-insecure']
  const ours = await measureMedian(
    ['nydus', 'check', ...common, '--plain-http', '--target', images.ours],
    runs,
  )
  const peers = setting.peers
  const original =
    peers && images.original
      ? await measureMedian(
          [
            peers.nydusify,
            'check',
            ...common,
            ...['--target', images.original, '--work-dir', `${setting.work}/check-original`],
            ...['--nydus-image', peers.nydusImage, '--nydusd', peers.nydusd],
          ],
          runs,
        )
      : undefined
  report.add({
    work: 'check, wall',
    unit: 's',
    ours: ours.wallSeconds,
    original: original?.wallSeconds,
    bar: '≤ 0.4×, without root',
  })
  report.add({
    work: 'check, CPU',
    unit: 's',
    ours: ours.cpuSeconds,
    original: original?.cpuSeconds,
    bar: '–',
  })
}
