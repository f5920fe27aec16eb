// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import * as golden from './golden.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code)

/** Runs an example where an image lies, and gives what it prints. */
function runExample(code: string): Buffer {
  const directory = golden.scratch(onTestFinished)
  const fixture = golden.fixture('mixed-tar-v6-zstd-blake3')
  mkdirSync(join(directory, 'blobs'))
  writeFileSync(join(directory, 'image.boot'), golden.load(fixture.outputs.bootstrap))
  writeFileSync(join(directory, 'blobs', fixture.blob_ids[0] ?? ''), golden.load(fixture.outputs.blob))
  // Packages are found by their names from where the example runs.
  symlinkSync(
    fileURLToPath(new URL('../../../node_modules', import.meta.url)),
    join(directory, 'node_modules'),
  )
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@nydus/source', '--input-type=module-typescript', '--eval', code],
    { cwd: directory },
  )
  expect(stderr.toString()).toBe('')
  expect(status).toBe(0)
  return stdout
}

describe('the examples of the README', () => {
  it('are two', () => expect(examples).toHaveLength(2))

  it('read a file through a cache', () => {
    expect(runExample(examples[0] ?? '')).toHaveLength(4096)
  })

  it('read all files chunk by chunk', () => {
    const lines = runExample(examples[1] ?? '')
      .toString()
      .trim()
      .split('\n')
    expect(lines.length).toBeGreaterThan(22)
    expect(lines.every((line) => /^\d+ \d+ \d+$/.test(line))).toBe(true)
  })
})
