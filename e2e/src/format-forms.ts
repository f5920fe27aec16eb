// SPDX-License-Identifier: Apache-2.0
/** Every form of image that `nydus-image create` can write, as its arguments, and how an image becomes a tree again. */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { must } from './run.ts'

/** One form. */
export interface FormatForm {
  readonly name: string
  readonly fsVersion: 5 | 6
  readonly args: readonly string[]
  /** What it is built from: `tree` is the directory, the others files. */
  readonly source: 'tar' | 'tar.gz' | 'tree'
}

const form = (name: string, fsVersion: 5 | 6, source: FormatForm['source'], args: string): FormatForm => ({
  name,
  fsVersion,
  source,
  args: [...args.split(' '), '-v', String(fsVersion)],
})

/** All forms. */
export const FORMAT_FORMS: readonly FormatForm[] = [
  form('v5 zstd', 5, 'tar', '-t tar-rafs'),
  form('v5 lz4 sha256', 5, 'tar', '-t tar-rafs --compressor lz4_block --digester sha256'),
  form('v5 directory', 5, 'tree', '-t dir-rafs --compressor none'),
  form('v5 4 KiB chunks', 5, 'tar', '-t tar-rafs --chunk-size 0x1000'),
  form('v6 zstd', 6, 'tar', '-t tar-rafs'),
  form('v6 lz4 sha256', 6, 'tar', '-t tar-rafs --compressor lz4_block --digester sha256'),
  form('v6 plain', 6, 'tar', '-t tar-rafs --compressor none'),
  form('v6 directory', 6, 'tree', '-t dir-rafs'),
  form('v6 4 KiB chunks', 6, 'tar', '-t tar-rafs --chunk-size 0x1000'),
  form('v6 batch', 6, 'tar', '-t tar-rafs --batch-size 0x100000'),
  form('v6 encrypted', 6, 'tar', '-t tar-rafs -E'),
  form('v6 toc', 6, 'tar', '-t tar-rafs --features blob-toc'),
  form('v6 targz', 6, 'tar.gz', '-t targz-rafs'),
  form('v6 zran', 6, 'tar.gz', '-t targz-ref'),
  form('v6 tarfs', 6, 'tar', '-t tar-tarfs'),
]

/** An image on disk. */
export interface ImageFiles {
  readonly directory: string
  readonly bootstrap: string
  readonly blobDir: string
  /** A tar that the original's daemon looks for in its cache directory. */
  readonly tar?: string
}

/** Builds `form` with `tool`, and puts what it refers to beside its blobs. */
export async function buildForm(
  tool: string,
  { name, args, source }: FormatForm,
  sources: Readonly<Record<FormatForm['source'], string>>,
  directory: string,
): Promise<ImageFiles> {
  const [bootstrap, blobDir] = [join(directory, 'image.boot'), join(directory, 'blobs')]
  mkdirSync(blobDir, { recursive: true })
  const path = sources[source]
  await must([tool, 'create', ...args, '-B', bootstrap, '-D', blobDir, path])
  const refersToSource = name.includes('zran') || name.includes('tarfs')
  if (refersToSource) {
    const id = createHash('sha256').update(readFileSync(path)).digest('hex')
    copyFileSync(path, join(blobDir, id))
    if (name.includes('tarfs')) return { directory, bootstrap, blobDir, tar: join(blobDir, id) }
  }
  return { directory, bootstrap, blobDir }
}

/** Writes a daemon's configuration for such an image. @returns its path. */
export function localfsConfig({ directory, blobDir, tar }: ImageFiles, cacheDir: string): string {
  mkdirSync(cacheDir, { recursive: true })
  if (tar !== undefined) copyFileSync(tar, join(cacheDir, basename(tar)))
  const path = join(directory, 'config.json')
  const config = {
    device: {
      backend: { type: 'localfs', config: { dir: blobDir } },
      cache: { type: 'blobcache', config: { work_dir: cacheDir } },
    },
    mode: 'direct',
    digest_validate: false,
    enable_xattr: true,
  }
  writeFileSync(path, JSON.stringify(config))
  return path
}
