// SPDX-License-Identifier: Apache-2.0
/** The directory in which the recorded commands ran: source trees, and the outputs that other commands left. */
import { execFileSync } from 'node:child_process'
import { createReadStream, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readTar } from '@nydus/builder'
import { type GoldenFixture, type Goldens, openGoldens, type Stored } from '@nydus/testkit'

/** Everything that a recorded command may read. */
export interface RecordedWorkspace {
  readonly goldens: Goldens
  /** Commands of nydus-image, in the order in which they were recorded. */
  readonly fixtures: readonly GoldenFixture[]
  /** True when the trees are unpacked too: only the super-user can do that as it has to be. */
  readonly hasTrees: boolean
}

/** Paths in a command by the name of the output. */
export function outputPaths(command: readonly string[]): ReadonlyMap<string, string> {
  const names: Readonly<Record<string, string>> = {
    '-B': 'bootstrap',
    '--bootstrap': 'bootstrap',
    '-O': 'bootstrap',
    '-b': 'blob',
    '--blob': 'blob',
    '-J': 'output_json',
    '--output-json': 'output_json',
  }
  const paths = new Map<string, string>()
  for (const [i, argument] of command.entries()) {
    const name = names[argument]
    const path = command[i + 1]
    if (name === undefined || path === undefined || (argument === '-B' && paths.has(name))) continue
    paths.set(name, path)
  }
  return paths
}

/** Lays everything out below `directory`. */
export async function layOut(directory: string): Promise<RecordedWorkspace> {
  const goldens = openGoldens()
  const fixtures = goldens.fixtures.filter(({ command }) => command?.[0] === 'nydus-image')
  const put: Put = (path, bytes) => {
    const target = join(directory, path)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, bytes)
  }
  const hasTrees = process.getuid?.() === 0
  for (const { name, tar } of goldens.trees) {
    if (!goldens.has(tar)) continue
    put(`trees/${name}.tar`, goldens.read(tar))
    if (hasTrees) await unpackTree(join(directory, 'trees', name))
    else mkdirSync(join(directory, 'trees', name))
  }
  for (const { tree, variant, ...form } of goldens.compressedForms) {
    if (goldens.has(form)) put(`trees/${tree}.${variant}`, goldens.read(form))
  }
  // A directory that has no entry in its tar has the time at which it was unpacked for the recording.
  if (hasTrees) touch(join(directory, 'trees/layer1/keep'), '1795514398.495662273')
  putOutputs(goldens, fixtures, put)
  putOddInputs(goldens, directory, put)
  return { goldens, fixtures, hasTrees }
}

type Put = (path: string, bytes: Uint8Array) => void

/** Some trees are damaged on purpose; what can be unpacked of them is there then. */
async function unpackTree(directory: string): Promise<void> {
  const started = Date.now() - 1000
  mkdirSync(directory, { recursive: true })
  const flags = ['--xattrs', '--xattrs-include=*', '--numeric-owner']
  try {
    execFileSync('tar', ['-xpf', `${directory}.tar`, '-C', directory, ...flags], { stdio: 'ignore' })
    // A directory whose entries do not follow it has got the present time from tar.
    for await (const { kind, path, mtime, mtimeNsec } of readTar(createReadStream(`${directory}.tar`), {
      mtime: 'pax',
    })) {
      const slash = Buffer.from('/')
      const target = Buffer.concat([Buffer.from(directory), ...path.flatMap((name) => [slash, name])])
      if (kind !== 'directory' || statSync(target).mtimeMs < started) continue
      touch(target.toString('latin1'), `${mtime}.${String(mtimeNsec).padStart(9, '0')}`)
    }
  } catch {}
}

function touch(path: string, seconds: string): void {
  execFileSync('touch', ['-d', `@${seconds}`, path])
}

/** What the recorded commands left, for those that read it. */
function putOutputs(goldens: Goldens, fixtures: readonly GoldenFixture[], put: Put): void {
  const stored = new Map<string, Stored>()
  collectStored(goldens.fixtures, stored)
  for (const fixture of fixtures) {
    const paths = outputPaths(fixture.command)
    for (const [name, output] of Object.entries(fixture.outputs ?? {})) {
      if (!goldens.has(output)) continue
      const path = paths.get(name)
      if (path !== undefined) put(path, goldens.read(output))
      const blobId = fixture.blob_ids?.at(-1)
      if (name !== 'blob' || blobId === undefined) continue
      put(`blobs/${blobId}`, goldens.read(output))
      put(`exp/${blobId}`, goldens.read(output))
    }
    const inside = fixture.inline_bootstrap as Stored | undefined
    const checked = (fixture.check as { command?: readonly string[] } | undefined)?.command?.[2]
    if (goldens.has(inside) && checked?.startsWith('layboot/')) put(checked, goldens.read(inside))
    for (const { path, sha256 } of (fixture.sources ?? []) as readonly { path: string; sha256: string }[]) {
      const source = stored.get(sha256)
      if (source !== undefined && goldens.has(source)) put(path, goldens.read(source))
    }
  }
}

/** What commands read that none of the others wrote. */
function putOddInputs(goldens: Goldens, directory: string, put: Put): void {
  mkdirSync(join(directory, 'out/cachedir'), { recursive: true })
  put('out/empty-file', new Uint8Array())
  for (const [i, layer] of ['layer0', 'layer1', 'layer2'].entries()) {
    const bootstrap = goldens.output(goldens.fixture(`layers-${layer}-v6-sep`), 'bootstrap')
    put(`statdir/b${i}`, bootstrap)
    put(`cd/img:v${i}/bootstrap`, bootstrap)
  }
  for (const { id, prefetch_files: list } of goldens.ofKind('optimize')) {
    put(`out/${id}.list`, Buffer.from(String(list)))
    mkdirSync(join(directory, `out/${id}.blobs`), { recursive: true })
  }
}

function collectStored(value: unknown, found: Map<string, Stored>): void {
  if (typeof value !== 'object' || value === null) return
  const stored = value as Partial<Stored>
  if (typeof stored.sha256 === 'string' && typeof stored.path === 'string' && stored.encoding !== undefined) {
    found.set(stored.sha256, stored as Stored)
  }
  for (const member of Object.values(value)) collectStored(member, found)
}
