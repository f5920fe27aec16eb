// SPDX-License-Identifier: Apache-2.0
/** The recorded command lines of the original: exit status, bytes, result files, and what `check` and `inspect` say. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openGoldens } from '@nydus/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { layOut, type RecordedWorkspace } from './recorded-workspace.ts'
import { REPLAY_EXCEPTIONS } from './replay-exceptions.ts'
import { compareExports, compareReaders, type Differences, replay } from './run-recorded.ts'

const KINDS = [
  ...['create', 'create-quirk', 'merge', 'merge-error', 'cli'],
  ...['stat', 'compact', 'optimize', 'export', 'chunkdict'],
]
const isRoot = process.getuid?.() === 0
const fixtures = openGoldens().fixtures.filter(({ command }) => command?.[0] === 'nydus-image')
if (!isRoot)
  console.warn(
    'replay: only the super-user can unpack the source trees; commands on directories are left out',
  )

let workspace: RecordedWorkspace
const directory = mkdtempSync(join(tmpdir(), 'nydus-replay-'))
const before = process.cwd()

beforeAll(async () => {
  workspace = await layOut(directory)
  process.chdir(directory)
})

afterAll(() => {
  process.chdir(before)
  rmSync(directory, { recursive: true, force: true })
})

/** What is left when the listed exceptions are taken out; one that is not needed any more is a difference too. */
function unexpected(id: string, found: Differences): Differences {
  const rest = { ...found }
  for (const what of Object.keys(REPLAY_EXCEPTIONS[id] ?? {})) {
    if (what in rest) delete rest[what]
    else rest[what] = 'is listed as an exception, but does not differ'
  }
  return rest
}

describe.each(KINDS)('recorded %s', (kind) => {
  const chosen = fixtures.filter((fixture) => fixture.kind === kind)

  it.each(chosen.map(({ id }) => [id] as const))('%s', async (id) => {
    const fixture = workspace.goldens.fixture(id)
    const needsTree = fixture.command.some((argument) => /^trees\/[^.]+$/.test(argument))
    if (needsTree && !workspace.hasTrees) return
    const found = await replay(workspace.goldens, fixture)
    const isReadable =
      ['create', 'merge'].includes(kind) && fixture.exit === 0 && fixture.known_peer_behaviour === undefined
    if (isReadable) {
      Object.assign(found, await compareReaders(workspace.goldens, fixture), await compareExports(fixture))
    }
    expect(unexpected(id, found)).toEqual({})
  })
})
