// SPDX-License-Identifier: Apache-2.0
/**
 * The real image of the tests: a Debian root file system with Python, a layer of a real package tree, and a layer of deletions
 * and odd files, made by mmdebstrap, tar and the kernel's own calls.
 */
import { createHash } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { writeOciLayout } from './oci-layout.ts'
import { must, REPOSITORY } from './run.ts'

/** Programs that making the image needs. */
export const IMAGE_PROGRAMS = ['mmdebstrap', 'tar', 'setcap', 'setfattr', 'python3']

const SUITE = 'bookworm'
const PACKAGES = 'python3,libcap2-bin'
const LAYER_TIME = '@1700000000'
/** Bump when a layer's recipe changes: the cached layers of other recipes are not used. */
const RECIPE = 'v4'

/** A tag in an OCI layout: what `skopeo` calls `oci:DIR:TAG`. */
export interface LocalImage {
  readonly directory: string
  readonly tag: string
}

/**
 * Makes the image, or takes it from the machine's temporary directory when the same recipe was made before.
 * Takes about a minute the first time.
 */
export function debianImage(): Promise<LocalImage> {
  return cachedImage('debian', [debianLayer, packageLayer, oddLayer])
}

/** The same image without what the original's tools cannot handle. */
export function plainDebianImage(): Promise<LocalImage> {
  return cachedImage('debian-plain', [debianLayer, packageLayer, plainOddLayer])
}

/** An image of the layers that `recipes` make, lowest first, kept on this machine under the recipes' names. */
export async function cachedImage(
  tag: string,
  recipes: readonly ((work: string) => Promise<string>)[],
): Promise<LocalImage> {
  const recipe = [RECIPE, SUITE, PACKAGES, tag, ...recipes.map(({ name }) => name)]
  const key = createHash('sha256').update(recipe.join('\n')).digest('hex').slice(0, 12)
  const directory = join(tmpdir(), `nydus-e2e-image-${key}`)
  const image = { directory, tag }
  if (existsSync(join(directory, 'index.json'))) return image
  const work = `${directory}.${process.pid}`
  mkdirSync(work, { recursive: true })
  try {
    const tars: string[] = []
    for (const make of recipes) tars.push(await make(work))
    await writeOciLayout(join(work, 'layout'), image.tag, tars)
    rmSync(directory, { recursive: true, force: true })
    renameSync(join(work, 'layout'), directory)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return image
}

/** The Debian root file system; the machine's own package sources are used. */
export async function debianLayer(work: string): Promise<string> {
  const tar = join(work, 'debian.tar')
  const sources = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources'].find((path) =>
    existsSync(path),
  )
  await must(
    [
      'mmdebstrap',
      '--quiet',
      '--variant=minbase',
      `--include=${PACKAGES}`,
      SUITE,
      tar,
      ...(sources ? [sources] : []),
    ],
    { env: { SOURCE_DATE_EPOCH: '1700000000' } },
  )
  return tar
}

/** A few thousand small files of real npm packages. */
export async function packageLayer(work: string): Promise<string> {
  const tar = join(work, 'packages.tar')
  const packages = [
    '@types/node',
    'typescript',
    'zod',
    'undici',
    'commander',
    '@noble/hashes',
    'vitest',
    'vite',
    'rolldown',
    'chai',
    'pino',
  ]
  const present = packages
    .map((name) => `node_modules/${name}`)
    .filter((path) => existsSync(join(REPOSITORY, path)))
  const parents = ['node_modules', ...new Set(present.map(dirname).filter((path) => path !== 'node_modules'))]
  await must([
    'tar',
    '--create',
    `--file=${tar}`,
    '--sort=name',
    `--mtime=${LAYER_TIME}`,
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--transform=flags=r;s,^,opt/app/,',
    `--directory=${REPOSITORY}`,
    '--no-recursion',
    ...parents,
    '--recursion',
    ...present,
  ])
  return tar
}

/** Deletions, an opaque directory and every odd kind of file. */
export async function oddLayer(work: string): Promise<string> {
  const root = join(work, 'odd')
  await deletions(root)
  await oddFiles(join(root, 'opt/odd'))
  // A value with a newline byte, which the original's builder refuses, and an attribute that its checker drops.
  await must(['setfattr', '-n', 'trusted.of-directory', '-v', 'yes', join(root, 'opt/odd')])
  await must(['setfattr', '-n', 'user.binary', '-v', '0x00ff0a3d31', join(root, 'opt/odd/target')])
  return packOddLayer(work, root)
}

/** The same without what the original's tools cannot handle. */
export async function plainOddLayer(work: string): Promise<string> {
  const root = join(work, 'odd')
  await deletions(root)
  await oddFiles(join(root, 'opt/odd'))
  return packOddLayer(work, root)
}

async function packOddLayer(work: string, root: string): Promise<string> {
  const tar = join(work, 'odd.tar')
  await must([
    'tar',
    '--create',
    `--file=${tar}`,
    '--format=posix',
    '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
    '--sort=name',
    `--mtime=${LAYER_TIME}`,
    '--numeric-owner',
    '--xattrs',
    '--xattrs-include=*',
    `--directory=${root}`,
    '.',
  ])
  return tar
}

async function deletions(root: string): Promise<void> {
  mkdirSync(join(root, 'usr/share'), { recursive: true })
  writeFileSync(join(root, 'usr/share/.wh.doc'), '')
  writeFileSync(join(root, 'usr/share/.wh.locale'), '')
  mkdirSync(join(root, 'opt/app/node_modules/zod'), { recursive: true })
  writeFileSync(join(root, 'opt/app/node_modules/zod/.wh..wh..opq'), '')
  writeFileSync(join(root, 'opt/app/node_modules/zod/package.json'), '{"name":"zod","version":"replaced"}\n')
  mkdirSync(join(root, 'etc'), { recursive: true })
  writeFileSync(join(root, 'etc/.wh.debian_version'), '')
}

async function oddFiles(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true })
  const at = (name: string) => join(directory, name)
  writeFileSync(at('target'), 'the target of links\n')
  linkSync(at('target'), at('hard-link'))
  symlinkSync('../nowhere', at('dangling'))
  symlinkSync('x'.repeat(3000), at('long-symlink'))
  writeFileSync(at('setuid'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(at('empty'), '')
  writeFileSync(at('na me "quoted"\nnewline'), 'odd name\n')
  writeFileSync(Buffer.concat([Buffer.from(`${directory}/latin-`), Buffer.from([0xe9, 0xff])]), 'not UTF-8\n')
  writeFileSync(at('n'.repeat(255)), 'longest name\n')
  writeFileSync(at('zeros'), Buffer.alloc(3 << 20))
  writeFileSync(at('owned'), 'owner 1234\n')
  await must(['mkfifo', at('fifo')])
  await must(['mknod', at('null'), 'c', '1', '3'])
  await must(['mknod', at('disk'), 'b', '7', '300'])
  await must(['chmod', '4755', at('setuid')])
  await must(['chown', '1234:70000', at('owned')])
  await must(['setcap', 'cap_net_raw+ep', at('setuid')])
  await must(['setfattr', '-n', 'user.note', '-v', 'a value', at('target')])
}
