// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import * as golden from './golden.ts'

it('the example of the README reads a file', () => {
  const directory = golden.scratch(onTestFinished)
  const fixture = golden.fixture('mixed-tar-v6-zstd-blake3')
  mkdirSync(join(directory, 'blobs'))
  writeFileSync(join(directory, 'image.boot'), golden.load(fixture.outputs.bootstrap))
  writeFileSync(join(directory, 'blobs', fixture.blob_ids[0] ?? ''), golden.load(fixture.outputs.blob))
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  // Packages are found by their names from where the example runs.
  symlinkSync(
    fileURLToPath(new URL('../../../node_modules', import.meta.url)),
    join(directory, 'node_modules'),
  )
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@nydus/source', '--input-type=module-typescript', '--eval', example],
    { cwd: directory },
  )
  expect(stderr.toString()).toBe('')
  expect(status).toBe(0)
  expect(stdout).toHaveLength(4096)
})
