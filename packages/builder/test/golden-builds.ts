// SPDX-License-Identifier: Apache-2.0
/** Builds what the recorded `create` commands built. */
import type { ChunkPool } from '../src/chunk/chunk-pool.ts'
import { buildDirectory, type DirectoryBuild } from '../src/directory/build-directory.ts'
import { type BuildLayerOptions, buildLayer, type LayerBuild, openChunkDict } from '../src/index.ts'
import {
  type Fixture,
  fixtureOf,
  manifest,
  optionOf,
  readOutput,
  readStored,
  type Stored,
} from './fixture-store.ts'
import { memorySink, pieces } from './layer-bytes.ts'
import type { SourceTrees } from './source-trees.ts'

type InlineFixture = Fixture & { readonly inline_bootstrap?: Stored }

const TAR_TYPES = ['tar-rafs', 'targz-rafs', 'estargz-rafs']
/** Options with tests of their own. */
const OTHER_OPTIONS = ['-E', '--batch-size', '--blob-cache-dir']

/** Recorded commands that made a blob from a tar or a directory without other people's data. */
export function isBuild(fixture: Fixture, source: 'tar' | 'directory'): boolean {
  const { command, exit, kind, outputs } = fixture
  if (!kind.startsWith('create') || exit !== 0 || outputs?.blob?.path === undefined) return false
  if (OTHER_OPTIONS.some((option) => command.includes(option))) return false
  const type = optionOf(fixture, '-t', '--type') ?? 'dir-rafs'
  return source === 'tar' ? TAR_TYPES.includes(type) : type === 'dir-rafs'
}

/** Version that a fixture is built with. */
export function fsVersionOf(fixture: Fixture): 5 | 6 {
  return optionOf(fixture, '-v', '--fs-version') === '5' ? 5 : 6
}

/** The bootstrap that the original wrote. */
export function goldenBootstrap(fixture: InlineFixture): Uint8Array {
  const stored = fixture.inline_bootstrap ?? fixture.outputs?.bootstrap
  if (stored === undefined) throw new Error(`${fixture.id} has no bootstrap`)
  return readStored(stored)
}

/** The tar that a fixture was built from, compressed or not. */
export function readSource(fixture: Fixture): Uint8Array {
  const name = (fixture.source as string).replace('trees/', '')
  const forms = manifest as unknown as {
    readonly compressed_forms: readonly (Stored & { tree: string; variant: string })[]
  }
  const form = forms.compressed_forms.find(({ tree, variant }) => `${tree}.${variant}` === name)
  const stored = form ?? manifest.trees.find((tree) => `${tree.name}.tar` === name)?.tar
  if (stored === undefined) throw new Error(`no source ${name}`)
  return readStored(stored)
}

/** The options of the recorded command. */
export function buildOptionsOf(fixture: Fixture): Omit<BuildLayerOptions, 'pool' | 'sink'> {
  const has = (option: string) => fixture.command.includes(option)
  const outputOf = (option: string) => {
    const id = optionOf(fixture, option)?.match(/out\/([^/]+)\//)?.[1]
    return id === undefined ? undefined : readOutput(fixtureOf(id), 'bootstrap')
  }
  const [blobId, dict, parent] = [
    optionOf(fixture, '--blob-id'),
    outputOf('--chunk-dict'),
    outputOf('--parent-bootstrap'),
  ]
  return {
    fsVersion: fsVersionOf(fixture),
    compressor: (optionOf(fixture, '--compressor') ?? 'zstd') as 'zstd' | 'lz4_block' | 'none',
    digester: (optionOf(fixture, '--digester') ?? 'blake3') as 'blake3' | 'sha256',
    chunkSize: Number(optionOf(fixture, '--chunk-size') ?? 0x100000),
    blobInlineMeta: has('--blob-inline-meta'),
    blobToc: has('blob-toc'),
    alignedChunk: has('--aligned-chunk'),
    repeatable: has('--repeatable'),
    whiteoutSpec: (optionOf(fixture, '--whiteout-spec') ?? 'oci') as 'oci' | 'overlayfs' | 'none',
    prefetchPolicy: (optionOf(fixture, '--prefetch-policy') ?? 'none') as 'fs' | 'blob' | 'none',
    prefetchPatterns: (fixture.stdin ?? '').split('\n'),
    ...(blobId !== undefined && { blobId }),
    ...(dict !== undefined && { dict: openChunkDict(dict) }),
    ...(parent !== undefined && { parent }),
  }
}

/** Builds the layer of a fixture. */
export async function rebuildLayer(
  fixture: Fixture,
  pool: ChunkPool,
): Promise<{ build: LayerBuild; blob: Buffer }> {
  const sink = memorySink()
  const source = pieces(readSource(fixture), 100_000)
  const build = await buildLayer(source, { ...buildOptionsOf(fixture), pool, sink })
  return { build, blob: sink.bytes() }
}

/** Builds the directory of a fixture. */
export async function rebuildDirectory(
  fixture: Fixture,
  trees: SourceTrees,
  pool: ChunkPool,
): Promise<{ build: DirectoryBuild; blob: Buffer }> {
  const sink = memorySink()
  const { path, readXattrs } = await trees.unpack(fixture.source as string)
  const build = await buildDirectory(path, { ...buildOptionsOf(fixture), pool, sink, readXattrs })
  return { build, blob: sink.bytes() }
}
