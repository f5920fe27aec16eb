// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openLocalBlob } from '@nydus/blob-store'
import { openChunkReader } from '@nydus/chunk-cache'
import { openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { findPath } from '../../src/inspect/find-path.ts'
import { readFile } from '../../src/inspect/read-file.ts'
import { packDirectory } from '../../src/pack/pack-directory.ts'
import { call } from '../call.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

function sourceTree(directory: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(join(directory, 'sub'), { recursive: true })
  for (const [path, text] of Object.entries(files)) writeFileSync(join(directory, path), text)
  return directory
}

async function contentOf(meta: string, dir: string, blobFile: string, path: string): Promise<string> {
  const bootstrap = openBootstrap(readFileSync(meta))
  const opened: ReturnType<typeof openLocalBlob>[] = []
  const openBlob = (blobId: string) => {
    const blob = openLocalBlob(blobFile === '' ? { dir } : { blobFile }, blobId)
    opened.push(blob)
    return blob
  }
  const chunks = openChunkReader({ bootstrap, openBlob })
  const pieces: Uint8Array[] = []
  for await (const bytes of readFile({ bootstrap, chunks }, findPath(bootstrap, path))) pieces.push(bytes)
  await Promise.all(opened.map((blob) => blob.close()))
  return Buffer.concat(pieces).toString()
}

describe('packDirectory', () => {
  it.each([5, 6] as const)('writes NAME.meta, NAME.blob and output.json in RAFS v%i', async (fsVersion) => {
    const directory = temporaryDirectory()
    const sourceDir = sourceTree(join(directory, 'src'), { 'a.txt': 'hello', 'sub/b.txt': 'world' })
    const outputDir = join(directory, 'out')
    const result = await packDirectory({ sourceDir, outputDir, name: 'app', fsVersion })
    expect(readdirSync(outputDir).sort()).toEqual(['app.blob', 'app.meta', 'output.json'])
    expect(result).toMatchObject({ meta: join(outputDir, 'app.meta'), blob: join(outputDir, 'app.blob') })
    const output = JSON.parse(readFileSync(join(outputDir, 'output.json'), 'utf8'))
    expect(output).toMatchObject({ blobs: result.blobIds, fs_version: String(fsVersion), compressor: 'zstd' })
    expect(hash('sha256', readFileSync(join(outputDir, 'app.blob')))).toBe(result.blobIds[0])
    expect(await contentOf(result.meta, '', join(outputDir, 'app.blob'), '/sub/b.txt')).toBe('world')
  })

  it('builds on a parent: blobs are named by their ids, old chunks are used again', async () => {
    const directory = temporaryDirectory()
    const outputDir = join(directory, 'out')
    const lower = sourceTree(join(directory, 'lower'), { 'a.txt': 'a'.repeat(9000), 'sub/gone': 'x' })
    const push = { directory: outputDir, metaPrefix: 'meta-', blobPrefix: '' }
    const first = await packDirectory({ sourceDir: lower, outputDir, name: 'one', push })
    expect(first.meta).toBe(join(outputDir, 'meta-one.meta'))
    const upper = sourceTree(join(directory, 'upper'), {
      'c.txt': 'new',
      'd.txt': 'a'.repeat(9000),
      'sub/.wh.gone': '',
    })
    const options = { sourceDir: upper, outputDir, parentPath: first.meta }
    const second = await packDirectory({ ...options, name: 'two' })
    expect(second.blobIds).toHaveLength(2)
    const bootstrap = openBootstrap(readFileSync(second.meta))
    expect(() => findPath(bootstrap, '/sub/gone')).toThrow(/not in the image/)
    expect(await contentOf(second.meta, outputDir, '', '/a.txt')).toBe('a'.repeat(9000))
    expect(await contentOf(second.meta, outputDir, '', '/c.txt')).toBe('new')
    const compacted = await packDirectory({
      ...options,
      parentPath: second.meta,
      name: 'three',
      compact: { minUsedRatio: 5, layersToCompact: 2 },
    })
    expect(existsSync(join(outputDir, 'compact-result.json'))).toBe(true)
    expect(await contentOf(compacted.meta, outputDir, '', '/d.txt')).toBe('a'.repeat(9000))
  })

  it('leaves no file behind when it is interrupted', async () => {
    const directory = temporaryDirectory()
    const outputDir = join(directory, 'out')
    const sourceDir = sourceTree(join(directory, 'src'), { 'a.txt': 'hello' })
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(packDirectory({ sourceDir, outputDir, name: 'app', signal })).rejects.toThrow()
    expect(readdirSync(outputDir)).toEqual([])
  })
})

describe('the command line of build', () => {
  it('builds, and its other name and the flags of old work too', async () => {
    const directory = temporaryDirectory()
    const sourceDir = sourceTree(join(directory, 'src'), { 'a.txt': 'hello' })
    const argv = ['pack', '--target-dir', sourceDir, '--bootstrap', 'app.boot', '-o', join(directory, 'out')]
    const { status, stdout } = await call(argv)
    expect(status).toBe(0)
    expect(stdout).toMatch(/^built bootstrap .*app\.boot \(.*\) and blob .*app\.blob \(/)
  })

  it.each([
    [[], /--source-dir is missing/],
    [['--source-dir', '.'], /--name is missing/],
    [['--source-dir', './nowhere', '--name', 'a'], /is not a directory/],
    [['--source-dir', '.', '--name', '../a'], /"\.\.\/a" is not a file name/],
    [['--source-dir', '.', '--name', 'a', '--fs-version', '4'], /expected 5 or 6/],
    [['--source-dir', '.', '--name', 'a', '--compressor', 'xz'], /--compressor xz/],
    [['--source-dir', '.', '--name', 'a', '--backend-push'], /--backend-push needs/],
    [
      [
        '--source-dir',
        '.',
        '--name',
        'a',
        '--backend-push',
        '--backend-type',
        'oss',
        '--backend-config',
        '{}',
      ],
      /--backend-type oss is not supported: /,
    ],
  ])('%j is refused', async (argv, message) => {
    const { status, stderr } = await call(['build', ...argv, '-o', join(temporaryDirectory(), 'out')])
    expect(status).toBe(2)
    expect(stderr).toMatch(message)
  })
})
