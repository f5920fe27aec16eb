// SPDX-License-Identifier: Apache-2.0
/** Runs recorded commands in this process and says where the results differ from the recorded ones. */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { GoldenFixture, Goldens, Stored } from '@nydus/testkit'
import { runNydusImage } from '../../src/nydus-image/run.ts'
import { outputPaths } from './recorded-workspace.ts'

/** What a command printed, and how it ended. */
export interface CommandRun {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line, program's name first, in the current directory. */
export async function runCommand(command: readonly string[], stdin = ''): Promise<CommandRun> {
  const argv = command.slice(1).map((argument) => argument.replace('<absolute path of>', process.cwd()))
  const stdout: string[] = []
  const stderr: string[] = []
  const status = await runNydusImage(argv, {
    stdin: Readable.from([Buffer.from(stdin)]),
    stdout: { write: (text) => stdout.push(text) },
    stderr: { write: (text) => stderr.push(text) },
    signal: new AbortController().signal,
  })
  return { status, stdout: stdout.join(''), stderr: stderr.join('') }
}

/** Differences of one command: what was compared → what was found. */
export type Differences = Record<string, string>

/** Runs the command of a fixture against the recorded outputs of the others, which are left as they were. */
export async function replay(goldens: Goldens, fixture: GoldenFixture): Promise<Differences> {
  const paths = outputPaths(fixture.command)
  const kept = new Map<string, Uint8Array>()
  for (const [name, path] of paths) {
    if (fixture.outputs?.[name] === undefined || !existsSync(path)) continue
    kept.set(path, readFileSync(path))
    rmSync(path)
  }
  const differences: Differences = {}
  const run = await runCommand(fixture.command, fixture.stdin)
  if (run.stderr.includes('internal error')) differences.crash = run.stderr.slice(0, 300)
  if (fixture.known_peer_behaviour === undefined) {
    if (run.status !== fixture.exit)
      differences.status = `${run.status}, not ${fixture.exit}: ${run.stderr.slice(-300)}`
    else if (run.status === 0) {
      compareOutputs(goldens, fixture, paths, differences)
      compareDisk(fixture, run, differences)
    }
  }
  for (const [path, bytes] of kept) writeFileSync(path, bytes)
  return differences
}

function compareOutputs(
  goldens: Goldens,
  fixture: GoldenFixture,
  paths: ReadonlyMap<string, string>,
  differences: Differences,
): void {
  const same = fixture.second_run_identical ?? true
  for (const name of ['bootstrap', 'blob']) {
    const output = fixture.outputs?.[name]
    const path = paths.get(name)
    const isStable = typeof same === 'boolean' ? same : (same[name] ?? true)
    if (output === undefined || path === undefined || !isStable) continue
    const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
    if (sha256(bytes) === output.sha256) continue
    differences[name] = `${bytes.length} bytes, not ${output.size}`
  }
  const { json } = fixture.outputs ?? {}
  const written = paths.get('output_json')
  if (goldens.has(json) && written !== undefined) {
    const text = readFileSync(written, 'utf8')
    if (text !== Buffer.from(goldens.read(json)).toString()) differences.json = text
  }
  const output = fixture.outputs?.output_json
  const path = paths.get('output_json')
  if (goldens.has(output) && path !== undefined) compareResult(goldens, output, path, fixture, differences)
}

interface RecordedDisk {
  readonly command: readonly string[]
  readonly stdout?: string
  readonly disk?: { readonly sha256: string; readonly size: number }
}

/** The disk that `export` wrote, and the line for veritysetup. */
function compareDisk(
  recorded: RecordedDisk | GoldenFixture,
  run: CommandRun,
  differences: Differences,
): void {
  const { command, disk, stdout = '' } = recorded as RecordedDisk
  const path = outputPaths(command).get('bootstrap')
  if (disk === undefined || command[1] !== 'export') return
  const output = command[command.indexOf('-O') + 1] ?? path ?? ''
  const bytes = readFileSync(output)
  if (sha256(bytes) === disk.sha256 && run.stdout === stdout) return
  differences[command.includes('--verity') ? 'verity' : 'disk'] =
    `${bytes.length} bytes, not ${disk.size}: ${run.stdout}`
}

/** Exports of tarfs images, which read the tar itself by the id of its blob. */
export async function compareExports(fixture: GoldenFixture): Promise<Differences> {
  const differences: Differences = {}
  const [blobId = ''] = fixture.blob_ids ?? []
  for (const recorded of (fixture.exports ?? []) as readonly RecordedDisk[]) {
    const directory = recorded.command[recorded.command.indexOf('-D') + 1] ?? ''
    mkdirSync(directory, { recursive: true })
    copyFileSync(String(fixture.source), join(directory, blobId))
    const run = await runCommand(recorded.command)
    if (run.status === 0) compareDisk(recorded, run, differences)
    else differences.status = run.stderr
  }
  return differences
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function compareResult(
  goldens: Goldens,
  output: Stored,
  path: string,
  fixture: GoldenFixture,
  differences: Differences,
): void {
  const shape = (text: string) => {
    const { version, trace, blobs, external_blobs, ...rest } = JSON.parse(text) as Record<string, unknown>
    const keys = Object.keys(JSON.parse(text) as object)
    return {
      keys,
      blobs: (blobs as unknown[]).length,
      external: (external_blobs as unknown[]).length,
      ...rest,
    }
  }
  const found = JSON.stringify(shape(readFileSync(path, 'utf8')))
  const expected = JSON.stringify(shape(Buffer.from(goldens.read(output)).toString()))
  if (found !== expected) differences.result = `${found}, not ${expected} (${fixture.id})`
}

/** `check`, `stat` and the requests of `inspect` on what the original wrote. */
export async function compareReaders(goldens: Goldens, fixture: GoldenFixture): Promise<Differences> {
  const differences: Differences = {}
  const check = fixture.check as
    | { readonly command?: readonly string[]; readonly exit: number; readonly referenced?: string }
    | undefined
  if (check?.command !== undefined) {
    const run = await runCommand(check.command)
    if (run.status !== check.exit || !run.stdout.includes((check.referenced ?? '').trim())) {
      differences.check = `${run.status}: ${run.stdout.slice(-300)}${run.stderr.slice(-300)}`
    }
  }
  const bootstrap = outputPaths(fixture.command).get('bootstrap')
  const statistics = fixture.stat as Stored | undefined
  if (goldens.has(statistics) && bootstrap !== undefined) {
    await runCommand(['nydus-image', 'stat', '-B', bootstrap, '-J', 'out/stat.json'])
    const text = readFileSync('out/stat.json', 'utf8')
    if (text !== Buffer.from(goldens.read(statistics)).toString()) differences.stat = text
  }
  for (const [request, answer] of Object.entries((fixture.inspect ?? {}) as Record<string, unknown>)) {
    if (!['stats', 'blobs', 'prefetch'].includes(request) || bootstrap === undefined) continue
    const run = await runCommand(['nydus-image', 'inspect', '-B', bootstrap, '-R', request])
    if (!sameJson(run.stdout, answer))
      differences[request] = `${run.stdout.slice(0, 200)}${run.stderr.slice(-200)}`
  }
  return differences
}

function sameJson(text: string, expected: unknown): boolean {
  try {
    return canonical(JSON.parse(text)) === canonical(expected)
  } catch {
    return false
  }
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}
