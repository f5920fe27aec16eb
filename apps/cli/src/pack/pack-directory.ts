// SPDX-License-Identifier: Apache-2.0
/** A directory → a bootstrap and a blob in local files, named as the original's packer names them. */
import { basename, dirname, extname, join } from 'node:path'
import { NydusError } from '@nydus/base/error'
import { buildDirectory, createChunkPool, type DirectoryBuild, openChunkDict } from '@nydus/builder'
import { openBootstrap } from '@nydus/rafs-format'
import { makeDirectories } from '@nydus/registry-client'
import { localFailure } from '../convert/work-directory.ts'
import { openLocalXattrs } from '../nydus-image/create/local-xattrs.ts'
import { type OutputFile, openOutputIn, writeOutputFile } from '../nydus-image/output-file.ts'
import { readBootstrapBytes } from '../nydus-image/read-bootstrap.ts'
import { writeResultFile } from '../nydus-image/result-json.ts'
import { Trace } from '../nydus-image/trace.ts'
import { compactParent } from './compact-parent.ts'
import type { PackOptions, PackResult } from './pack-options.ts'
import { pushPacked } from './push-packed.ts'

const DEFAULT_OUTPUT_DIR = './.nydus-build-output'

/**
 * Packs a directory. Files appear when they are complete; after a failure there are none.
 * @throws {NydusError} ERR_USAGE for a bad name, ERR_BUILD_IO, ERR_NO_SPACE, and what `buildDirectory` throws.
 * @example await packDirectory({ sourceDir: 'rootfs', name: 'app', outputDir: 'out' })
 */
export async function packDirectory(options: PackOptions): Promise<PackResult> {
  const started = performance.now()
  const trace = new Trace()
  const paths = pathsOf(options)
  makeOutputDirectory(paths.directory)
  const parent = await compactParent(options, paths.directory, trace)
  const output = await openOutputIn(paths.directory)
  try {
    const build = await trace.time('total_build', () => buildBlob(options, parent, output))
    const blob = await placeBlob(options, paths, build, output)
    await writeOutputFile(paths.meta, build.bootstrap)
    const blobIds = build.blobs.map(({ blobId }) => blobId)
    const { fsVersion = 6, compressor = 'zstd' } = options
    const result = { bootstrap: paths.meta, blobs: blobIds, fsVersion, compressor }
    await writeResultFile(join(paths.directory, 'output.json'), result, trace)
    const pushed = await pushPacked(options.push, { meta: paths.meta, blob }, options.signal)
    return {
      ...pushed,
      blobIds,
      dataSize: build.uncompressedSize + build.dedupBytes,
      blobSize: build.hasData ? build.size : 0,
      bootstrapSize: build.bootstrap.length,
      entryCount: build.entryCount,
      elapsedMs: performance.now() - started,
    }
  } finally {
    await output.discard()
  }
}

interface PackPaths {
  readonly directory: string
  readonly meta: string
  readonly blob: string
}

function pathsOf({ name, outputDir }: PackOptions): PackPaths {
  if (name === '' || name !== basename(name) || name === '.' || name === '..') {
    throw new NydusError('ERR_USAGE', `--name ${JSON.stringify(name)} is not a file name`)
  }
  const directory = outputDir ?? DEFAULT_OUTPUT_DIR
  const extension = extname(name)
  const stem = extension === '' ? name : name.slice(0, -extension.length)
  const meta = join(directory, extension === '' ? `${name}.meta` : name)
  const blob = join(directory, `${stem}.blob`)
  if (meta !== blob) return { directory, meta, blob }
  throw new NydusError('ERR_USAGE', `--name ${name}: bootstrap and blob would be the same file`)
}

function makeOutputDirectory(directory: string): void {
  try {
    makeDirectories(directory)
  } catch (error) {
    throw localFailure(error, `output directory ${directory}`)
  }
}

async function buildBlob(
  options: PackOptions,
  parent: Uint8Array | undefined,
  output: OutputFile,
): Promise<DirectoryBuild> {
  const { sourceDir, fsVersion, compressor, chunkSize, chunkDictPath, onProgress, signal } = options
  const dict =
    chunkDictPath === undefined
      ? undefined
      : openChunkDict(openBootstrap(await readBootstrapBytes(chunkDictPath)))
  const pool = createChunkPool({})
  try {
    return await buildDirectory(sourceDir, {
      pool,
      sink: output,
      readXattrs: await openLocalXattrs(),
      blobInlineMeta: false,
      blobToc: false,
      ...(fsVersion !== undefined && { fsVersion }),
      ...(compressor !== undefined && { compressor }),
      ...(chunkSize !== undefined && { chunkSize }),
      ...(dict !== undefined && { dict }),
      ...(parent !== undefined && { parent }),
      ...(onProgress !== undefined && { onProgress }),
      ...(signal !== undefined && { signal }),
    })
  } finally {
    await pool.close()
  }
}

/** Beside blobs of a parent, and for a push, the blob has its id for a name. */
async function placeBlob(
  { parentPath, push }: PackOptions,
  paths: PackPaths,
  build: DirectoryBuild,
  output: OutputFile,
): Promise<string | undefined> {
  if (!build.hasData) return undefined
  const name = parentPath === undefined && push === undefined ? basename(paths.blob) : build.runningId
  await output.commit(name)
  return join(dirname(paths.blob), name)
}
