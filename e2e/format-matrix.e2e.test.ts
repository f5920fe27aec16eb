// SPDX-License-Identifier: Apache-2.0
/**
 * Builder × reader × format: every form of image, built by us and, when `NYDUS_PEERS` has it, by the original, read back
 * by every reader that is there. Prints the matrix.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMount } from './src/foreground.ts'
import {
  buildForm,
  FORMAT_FORMS,
  type FormatForm,
  type ImageFiles,
  localfsConfig,
} from './src/format-forms.ts'
import { goldens } from './src/golden-image.ts'
import { findPeers } from './src/peers.ts'
import { must, reasonToSkip, run } from './src/run.ts'
import { compareTrees, type ListedFile, scanTree } from './src/trees.ts'

const skip = reasonToSkip(['umount', 'tar', 'python3'])
const peers = findPeers()
if (peers === undefined)
  process.stderr.write(
    '\n[nydus] SKIPPED the columns of the original in the format matrix: NYDUS_PEERS is not set\n',
  )

interface Reader {
  readonly name: string
  /** What is wrong with the image, in lines; none for a good one. */
  read(image: ImageFiles, work: string): Promise<readonly string[]>
}

/** What the original is known not to do: its own faults, seen with its own images too. */
const KNOWN_FAULTS: Readonly<Record<string, string>> = {
  'v6 batch → original unpack': 'its unpack can write broken tars for batch images',
  'v6 encrypted → original unpack': 'its unpack does not decrypt',
  'v6 zran → original unpack': 'its unpack does not find the meta blob and takes the gzip for chunks',
  'v6 tarfs → original unpack': 'its unpack reads blocks of 512 bytes as if they had 4096',
}

const work = mkdtempSync(join(tmpdir(), 'nydus-matrix-'))
const at = (...names: string[]) => join(work, ...names)
const sources = { tar: at('source.tar'), 'tar.gz': at('source.tar.gz'), tree: at('source') }
const cells = new Map<string, string>()
let expected: Map<string, ListedFile>

/** The root's attributes differ by tool: unpack writes none, the original's daemon shows 0755. */
function withoutRoot(tree: ReadonlyMap<string, ListedFile>): Map<string, ListedFile> {
  return new Map([...tree].filter(([, { name }]) => name !== '.' && name !== ''))
}

function daemon(name: string, tool: string, options: readonly string[] = []): Reader {
  return {
    name,
    async read(image, directory) {
      const mountpoint = join(directory, 'mnt')
      mkdirSync(mountpoint, { recursive: true })
      const config = localfsConfig(image, join(directory, 'cache'))
      const files = [
        '--config',
        config,
        '--bootstrap',
        image.bootstrap,
        '--apisock',
        join(directory, 'a.sock'),
      ]
      const mount = await startMount(
        [tool, 'fuse', ...files, '--mountpoint', mountpoint, '--log-level', 'warn', ...options],
        mountpoint,
      )
      try {
        return compareTrees(expected, withoutRoot(await scanTree(mountpoint)))
      } finally {
        await mount.stop('SIGTERM')
        await run(['umount', '-l', mountpoint])
      }
    },
  }
}

function checker(name: string, tool: string): Reader {
  return {
    name,
    async read({ bootstrap }) {
      const { status, output } = await run([tool, 'check', bootstrap])
      return status === 0 ? [] : [`check ended with ${status}: ${output.slice(-300)}`]
    },
  }
}

function unpacker(name: string, tool: string): Reader {
  return {
    name,
    async read({ bootstrap, blobDir }, directory) {
      const [tar, tree] = [join(directory, 'out.tar'), join(directory, 'tree')]
      mkdirSync(tree, { recursive: true })
      await must([tool, 'unpack', '--blob-dir', blobDir, '--output', tar, bootstrap])
      await must(['tar', '-xpf', tar, '-C', tree, '--xattrs', '--xattrs-include=*', '--numeric-owner'])
      return compareTrees(expected, withoutRoot(await scanTree(tree)))
    },
  }
}

const READERS: readonly Reader[] = [
  checker('our check', 'nydus-image'),
  unpacker('our unpack', 'nydus-image'),
  daemon('our fuse', 'nydusd'),
  daemon('our erofs', 'nydusd', ['--data-plane', 'erofs']),
  ...(peers === undefined
    ? []
    : [
        checker('original check', peers.nydusImage),
        unpacker('original unpack', peers.nydusImage),
        daemon('original daemon', peers.nydusd),
      ]),
]
const BUILDERS = [
  ['ours', 'nydus-image'],
  ...(peers === undefined ? [] : [['original', peers.nydusImage]]),
] as const as readonly (readonly [string, string])[]

/** The kernel mounts v6 with blocks of its page size. */
function cannotRead(form: FormatForm, reader: Reader): boolean {
  return reader.name === 'our erofs' && (form.fsVersion === 5 || form.name === 'v6 tarfs')
}

describe.skipIf(skip !== undefined)('format matrix', () => {
  beforeAll(async () => {
    const tree = goldens.trees.find(({ name }) => name === 'mixed')
    if (tree === undefined) throw new Error('no tree mixed among the fixtures')
    const tar = goldens.read(tree.tar)
    writeFileSync(sources.tar, tar)
    writeFileSync(sources['tar.gz'], gzipSync(tar))
    mkdirSync(sources.tree)
    const xattrs = ['--xattrs', '--xattrs-include=*', '--numeric-owner']
    await must(['tar', '-xpf', sources.tar, '-C', sources.tree, ...xattrs])
    expected = withoutRoot(await scanTree(sources.tree))
  })
  afterAll(() => {
    process.stdout.write(`\n${matrixText()}\n`)
    rmSync(work, { recursive: true, force: true })
  })

  for (const [builder, tool] of BUILDERS) {
    it.each(FORMAT_FORMS)(`$name, built by ${builder}`, async (form) => {
      const directory = at(`${builder}-${form.name.replaceAll(/\W/g, '-')}`)
      const image = await buildForm(tool, form, sources, directory)
      const faults: string[] = []
      for (const reader of READERS) {
        const cell = `${form.name}|${builder} → ${reader.name}`
        const known = KNOWN_FAULTS[`${form.name} → ${reader.name}`]
        if (cannotRead(form, reader)) {
          cells.set(cell, '-')
          continue
        }
        const problems = await reader
          .read(image, mkdtempSync(join(directory, 'r-')))
          .catch((error: unknown) => [String(error).slice(-600)])
        cells.set(cell, problems.length === 0 ? 'yes' : known === undefined ? 'NO' : 'known')
        if (known === undefined) faults.push(...problems.map((line) => `${reader.name}: ${line}`))
      }
      expect(faults).toEqual([])
    })
  }
})

function matrixText(): string {
  const columns = BUILDERS.flatMap(([builder]) => READERS.map(({ name }) => `${builder} → ${name}`))
  const rows = FORMAT_FORMS.map(({ name }) => [
    name,
    ...columns.map((column) => cells.get(`${name}|${column}`) ?? ''),
  ])
  const table = [['format', ...columns], ...rows]
  const widths = table[0]?.map((_, i) => Math.max(...table.map((row) => row[i]?.length ?? 0))) ?? []
  return table.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')).join('\n')
}
