// SPDX-License-Identifier: Apache-2.0
/** Rows: `nydus-image create` on many small files, on large ones, and on a million; from a tar and from a directory. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../../../e2e/src/run.ts'
import { type Measured, measureMedian } from '../measure.ts'
import type { Report } from '../report.ts'
import type { Setting } from '../setting.ts'
import { LARGE_FILES, MILLION_FILES, SMALL_FILES, type SourceTree, writeSourceTar } from './create-source.ts'

const RUNS = 3
/** Throughput of at least 1.3 times the original's is at most this part of its time. */
const TAR_BAR = '≤ 0.77×'
const BAR = '≤ 1.0×'

/** Builds with default compression from tars and directories. */
export async function createRows(
  setting: Pick<Setting, 'directory' | 'peers'>,
  report: Report,
): Promise<void> {
  for (const tree of [SMALL_FILES, LARGE_FILES]) {
    const directory = setting.directory('create')
    const [tar, unpacked] = [join(directory, 'source.tar'), join(directory, 'source')]
    await writeSourceTar(tree, tar)
    mkdirSync(unpacked)
    await must(['tar', '-xf', tar, '-C', unpacked])
    for (const [type, source, bar] of [
      ['tar-rafs', tar, TAR_BAR],
      ['dir-rafs', unpacked, BAR],
    ] as const) {
      await compareTools(setting, report, { tree, directory, bar, args: ['-t', type, source] })
    }
    rmSync(directory, { recursive: true })
  }
  await millionRow(setting, report)
}

interface Comparison {
  readonly tree: SourceTree
  readonly directory: string
  readonly bar: string
  readonly args: readonly string[]
}

async function compareTools(
  { peers }: Pick<Setting, 'peers'>,
  report: Report,
  { tree, directory, bar, args }: Comparison,
): Promise<void> {
  const measureTool = (tool: string, runs = RUNS): Promise<Measured> => {
    const blobs = join(directory, 'blobs')
    const line = [tool, 'create', ...args, '-B', join(directory, 'image.boot'), '-D', blobs]
    return measureMedian(line, runs, () => {
      rmSync(blobs, { recursive: true, force: true })
      mkdirSync(blobs)
    })
  }
  const ours = await measureTool('nydus-image')
  const original = peers && (await measureTool(peers.nydusImage))
  const work = `create ${args[1]}, ${tree.name}`
  report.add({
    work: `${work}, wall`,
    unit: 's',
    ours: ours.wallSeconds,
    original: original?.wallSeconds,
    bar,
  })
  report.add({
    work: `${work}, CPU`,
    unit: 's',
    ours: ours.cpuSeconds,
    original: original?.cpuSeconds,
    bar: '–',
  })
}

async function millionRow({ directory: fresh, peers }: Pick<Setting, 'directory' | 'peers'>, report: Report) {
  const directory = fresh('create-million')
  const tar = join(directory, 'source.tar')
  await writeSourceTar(MILLION_FILES, tar)
  const line = (tool: string) => [
    ...[tool, 'create', '-t', 'tar-rafs', '-B', join(directory, 'image.boot'), '-D', directory],
    tar,
  ]
  const ours = await measureMedian(line('nydus-image'), 1)
  const original = peers && (await measureMedian(line(peers.nydusImage), 1))
  const work = `create tar-rafs, ${MILLION_FILES.name}`
  report.add({
    work: `${work}, wall`,
    unit: 's',
    ours: ours.wallSeconds,
    original: original?.wallSeconds,
    bar: BAR,
  })
  report.add({
    work: `${work}, largest process`,
    unit: 'MiB',
    ours: ours.peakMiB,
    original: original?.peakMiB,
    bar: '≤ 600 MB',
  })
  rmSync(directory, { recursive: true })
}
