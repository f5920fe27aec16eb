// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench [-- convert|check|mount|memory|create …]`: measures the rows of the design's table, the original beside ours when
 * `NYDUS_PEERS` names a directory with its binaries. Use the ratios: machines are noisy.
 */
import { existsSync } from 'node:fs'
import { missingPrograms, run } from '../../e2e/src/run.ts'
import { BENCH_PROGRAMS } from './image.ts'
import { Report } from './report.ts'
import { checkRows } from './rows/check.ts'
import { type ConvertedImages, convertRows } from './rows/convert.ts'
import { createRows } from './rows/create.ts'
import { memoryRow } from './rows/memory.ts'
import { mountRows } from './rows/mount.ts'
import { openSetting, type Setting } from './setting.ts'

const SUITES = ['convert', 'check', 'mount', 'memory', 'create'] as const

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(SUITES as readonly string[]).includes(name))
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(', ')}; usage: npm run bench [-- ${SUITES.join('|')} …]\n`)
  process.exit(2)
}
const missing = missingPrograms(BENCH_PROGRAMS)
if (missing.length > 0 || process.getuid?.() !== 0 || !existsSync('/dev/fuse')) {
  process.stderr.write(
    `the bench needs root, /dev/fuse and ${BENCH_PROGRAMS.join(', ')}; missing: ${missing.join(', ') || 'root or /dev/fuse'}\n`,
  )
  process.exit(1)
}

const wants = (suite: (typeof SUITES)[number]) => asked.length === 0 || asked.includes(suite)
const report = new Report()
const setting = await openSetting()
try {
  await measureAll(setting)
} finally {
  await setting.close()
}
process.stdout.write(`\n${await machine()}\n\n${report.markdown()}\n`)

async function measureAll(setting: Setting): Promise<void> {
  let images: ConvertedImages | undefined
  if (wants('convert')) images = await convertRows(setting, report)
  // Other suites need converted images; one conversion each is enough for them.
  if (images === undefined && (wants('check') || wants('mount')))
    images = await convertRows(setting, new Report(), 1)
  if (images !== undefined && wants('check')) await checkRows(setting, report, images)
  if (images !== undefined && wants('mount')) await mountRows(setting, report, images)
  if (wants('memory')) await memoryRow(setting, report)
  if (wants('create')) await createRows(setting, report)
}

async function machine(): Promise<string> {
  const kernel = (await run(['uname', '-r'])).stdout.trim()
  const cpu = (await run(['sh', '-c', "grep -m1 'model name' /proc/cpuinfo | cut -d: -f2; nproc"])).stdout
    .trim()
    .replaceAll('\n', ', ')
  return `Linux ${kernel}, ${cpu} cores, Node ${process.version}`
}
