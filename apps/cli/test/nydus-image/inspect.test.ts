// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openGoldens } from '@nydus/testkit'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.ts'
import { type CommandRun, runCommand } from './run-recorded.ts'

const goldens = openGoldens()

function inspect(id: string, stdin: string, ...argv: readonly string[]): Promise<CommandRun> {
  const path = join(temporaryDirectory(), 'bootstrap')
  writeFileSync(path, goldens.output(goldens.fixture(id), 'bootstrap'))
  return runCommand(['nydus-image', 'inspect', '-l', 'warn', path, ...argv], stdin)
}

/** What the prompt printed, a text for each command. */
async function answers(id: string, ...commands: readonly string[]): Promise<readonly string[]> {
  const { status, stdout, stderr } = await inspect(id, `${commands.join('\n')}\n`)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout.split('Inspecting RAFS :> ').slice(1)
}

describe.each(['tiny-tar-v5', 'tiny-tar-v6'])('the prompt on %s', (id) => {
  it('lists directories, goes down and up again', async () => {
    const [top = '', , down = '', , up = ''] = await answers(id, 'ls', 'cd dir', 'ls', 'cd ..', 'ls', 'exit')
    expect(top.split('\n').map((line) => line.replace(/[0-9]+ +/, ''))).toEqual([
      '-    "b"',
      '-    "copy"',
      'd    "dir"',
      '-    "hard"',
      'l    "link"',
      '',
    ])
    expect(down).toMatch(/^- {4}[0-9]+ +"a"\n$/)
    expect(up).toBe(top)
  })

  it('shows a file and its chunks', async () => {
    const [text = ''] = await answers(id, 'stat b', 'exit')
    expect(text).toMatch(/\nName: {15}"b"\nSize: {15}5000\n/)
    expect(text).toContain(
      'file offset: 0, chunk index: 1\n        compressed size: 71, decompressed size: 5000',
    )
  })

  it('shows the files of a chunk and the paths of an inode', async () => {
    const [chunk = '', stat = ''] = await answers(id, 'chunk 9', 'stat hard', 'exit')
    expect(chunk.match(/File: (\S+)/g)).toEqual(['File: b', 'File: hard'])
    const [, nid = ''] = /Inode Number: +([0-9]+)/.exec(stat) ?? []
    const [inode = ''] = await answers(id, `icheck ${nid}`, 'exit')
    expect(inode).toContain('/b\n')
    expect(inode).toContain('/hard\n')
  })

  it('shows superblock and blobs', async () => {
    const [stats = '', blobs = ''] = await answers(id, 'stats', 'blobs', 'exit')
    expect(stats).toContain(`Version:                ${id.at(-1)}\n`)
    expect(blobs).toContain(`Blob ID:                ${goldens.fixture(id).blob_ids?.[0]}\n`)
  })

  it('goes on after a mistake, and ends with its input', async () => {
    const [first = '', second = '', third = '', fourth = ''] = await answers(
      id,
      'nonsense',
      'cd b',
      'chunk x',
      'cd no',
    )
    expect(first).toMatch(/^Unsupported command: nonsense\n/)
    expect([second, third, fourth]).toEqual([
      'b is not a directory\n',
      'x is not a number\n',
      'no is not there\n',
    ])
  })
})

describe('one request', () => {
  it.each(['mixed-prefetch-v5-fs-dirs', 'mixed-prefetch-v6-fs-root', 'layers-merge-v6-layers'])(
    'answers as the original did for %s',
    async (id) => {
      const recorded = goldens.fixture(id).inspect as Readonly<Record<string, unknown>>
      for (const [request, answer] of Object.entries(recorded)) {
        const { stdout } = await inspect(id, '', '-R', request)
        expect(JSON.parse(stdout), request).toEqual(answer)
      }
    },
  )

  it.each([
    ['nonsense', 'Error: unsupported inspect request `nonsense` (ERR_USAGE)'],
    ['help', 'Error: help is not supported in inspect request mode (ERR_USAGE)'],
    ['chunk abc', 'Error: invalid arguments in inspect request `chunk abc` (ERR_USAGE)'],
    ['icheck -1', 'Error: invalid arguments in inspect request `icheck -1` (ERR_USAGE)'],
  ])('refuses %j', async (request, line) => {
    const { status, stderr } = await inspect('tiny-tar-v6', '', '-R', request)
    expect({ status, stderr }).toEqual({ status: 1, stderr: `${line}\n` })
  })
})
