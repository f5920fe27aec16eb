// SPDX-License-Identifier: Apache-2.0
/** Runs the READMEs' examples that no package runs itself. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { openGoldens } from '@nydus/testkit'
import { expect, it, onTestFinished } from 'vitest'

const root = join(import.meta.dirname, '../..')
const FLAGS = ['--conditions=@nydus/source', '--input-type=module-typescript', '--eval']
const cannotMount =
  process.getuid?.() === 0 && existsSync('/dev/fuse') ? undefined : 'root and /dev/fuse are needed'

function examples(workspace: string): string[] {
  const readme = readFileSync(join(root, workspace, 'README.md'), 'utf8')
  return [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string)
}

/** A directory in which the example finds the packages by their names. */
function workDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'nydus-readme-'))
  onTestFinished(() => {
    spawnSync('umount', ['-l', join(directory, 'mnt')])
    rmSync(directory, { recursive: true, force: true })
  })
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  return directory
}

function runExample(
  example: string | undefined,
  directory: string,
): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(process.execPath, [...FLAGS, example ?? ''], {
    cwd: directory,
    encoding: 'utf8',
    timeout: 60_000,
  })
}

it('blob-store: reads a blob by ranges, and says where it looked for one that is missing', () => {
  const directory = workDirectory()
  const [example = ''] = examples('packages/blob-store')
  const here = example.replaceAll("'/var/lib/blobs'", JSON.stringify(directory))
  expect(runExample(here, directory).stderr).toContain(join(directory, 'ab'.repeat(32)))
  writeFileSync(join(directory, 'ab'.repeat(32)), Buffer.alloc(1000))
  expect(runExample(here, directory)).toMatchObject({ stdout: 'size 1000\n512\n', stderr: '', status: 0 })
})

it('builder: builds a layer and merges it', () => {
  const directory = workDirectory()
  writeFileSync(join(directory, 'layer.tar.gz'), gzipSync(openGoldens().tar('tiny')))
  const result = runExample(
    examples('packages/builder').find((text) => text.includes('buildLayer(')),
    directory,
  )
  expect(result).toMatchObject({ stderr: '', status: 0 })
  expect(result.stdout).toMatch(/^sha256:[0-9a-f]{64} sha256:[0-9a-f]{64}\n$/)
})

it('builder: makes a tree from a tar', () => {
  const result = runExample(
    examples('packages/builder').find((text) => text.includes('readTar(')),
    workDirectory(),
  )
  expect(result).toMatchObject({ stdout: '8192 []\n', stderr: '', status: 0 })
})

it('builder: describes layers that stay as they are', () => {
  const result = runExample(
    examples('packages/builder').find((text) => text.includes('buildZranLayer(')),
    workDirectory(),
  )
  expect(result).toMatchObject({ stdout: 'false 29\n1024\n', stderr: '', status: 0 })
})

it('builder: merges, unpacks and counts an image', () => {
  const result = runExample(
    examples('packages/builder').find((text) => text.includes('unpackImage(')),
    workDirectory(),
  )
  expect(result).toMatchObject({ stdout: '1 1536 true\n', stderr: '', status: 0 })
})

it('builder: optimizes and exports an image', () => {
  const result = runExample(
    examples('packages/builder').find((text) => text.includes('exportBlock(')),
    workDirectory(),
  )
  expect(result).toMatchObject({ stdout: "[ '/bin/sh' ] true\n", stderr: '', status: 0 })
})

it('testkit: serves an image', () => {
  const result = runExample(examples('packages/testkit')[0], workDirectory())
  expect(result).toMatchObject({ stderr: '', status: 0 })
})

it.skipIf(cannotMount !== undefined)(
  `daemon: mounts an image ${cannotMount ? `(${cannotMount})` : ''}`,
  async () => {
    const directory = workDirectory()
    const goldens = openGoldens()
    const fixture = goldens.fixture('mixed-tar-v6-zstd-blake3')
    for (const name of ['blobs', 'mnt']) mkdirSync(join(directory, name))
    writeFileSync(join(directory, 'image.boot'), goldens.output(fixture, 'bootstrap'))
    writeFileSync(join(directory, 'blobs', fixture.blob_ids?.[0] ?? ''), goldens.output(fixture, 'blob'))
    const child = spawn(process.execPath, [...FLAGS, examples('apps/daemon')[0] ?? ''], { cwd: directory })
    const ended = new Promise<number | string | null>((resolve) =>
      child.on('close', (code, signal) => resolve(code ?? signal)),
    )
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => {
        output += String(text)
      })
    await expect.poll(() => output, { timeout: 20_000 }).toContain('mounted at')
    expect(
      spawnSync('cat', [join(directory, 'mnt/text')], { timeout: 20_000 }).stdout.length,
    ).toBeGreaterThan(0)
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    expect(output).toMatch(/^\d+ bytes of [0-9a-f]{64}$/m)
  },
)
