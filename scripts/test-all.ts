// SPDX-License-Identifier: Apache-2.0
/** `npm test`: every check of the repository, one after the other, and one closing line with the test counts. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Counts {
  passed: number
  failed: number
  skipped: number
}

const root = join(import.meta.dirname, '..')
const reports = mkdtempSync(join(tmpdir(), 'nydus-test-'))
const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
const failures: string[] = []

function bin(name: string): string {
  return join(root, 'node_modules', '.bin', name)
}

function step(name: string, command: string, args: readonly string[]): void {
  process.stdout.write(`\n[nydus] ${name}\n`)
  const { status, signal } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) failures.push(`${name} (${signal ?? `status ${status}`})`)
}

/** Runs a vitest project and adds its numbers; a run that wrote no report counts as failed. */
function tests(name: string, args: readonly string[]): void {
  const report = join(reports, `${name}.json`)
  step(`${name} tests`, bin('vitest'), [
    'run',
    ...args,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ])
  try {
    const result = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>
    counts.passed += result.numPassedTests ?? 0
    counts.failed += result.numFailedTests ?? 0
    counts.skipped += (result.numPendingTests ?? 0) + (result.numTodoTests ?? 0)
  } catch (error) {
    failures.push(`${name} tests wrote no report: ${String(error)}`)
  }
}

step('lint', bin('biome'), ['ci', '--diagnostic-level=error', '.'])
step('types', bin('tsc'), ['-p', 'tsconfig.json'])
tests('unit', [])
if (!process.argv.includes('--no-e2e')) tests('e2e', ['--config', 'e2e/vitest.config.ts'])
rmSync(reports, { recursive: true, force: true })

for (const failure of failures) process.stdout.write(`[nydus] FAILED: ${failure}\n`)
process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`)
process.exitCode = failures.length === 0 && counts.failed === 0 && counts.passed > 0 ? 0 : 1
