// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { pushGolden } from './golden-image.ts'
import { temporaryDirectory } from './temporary-directory.ts'

it('the example of the README works as it stands', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, example] = /```ts\n(.*?)```/s.exec(readme) ?? []
  const directory = temporaryDirectory()
  await pushGolden('image-source-mini-oci', `oci:${join(directory, 'images')}:1`)
  // Inside the package, so that it finds the package by its name.
  const file = join(import.meta.dirname, `readme-${process.pid}.example.ts`)
  writeFileSync(file, example ?? '')
  onTestFinished(() => rmSync(file))
  const result = spawnSync(process.execPath, ['--conditions=@nydus/source', file], {
    cwd: directory,
    encoding: 'utf8',
  })
  expect(result.stderr).toBe('')
  expect(result.stdout).toMatch(/^sha256:[0-9a-f]{64} 4924 bytes became \d+$/m)
})
