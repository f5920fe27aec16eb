// SPDX-License-Identifier: Apache-2.0
/** The image of the mount and convert rows: Debian with Python, numpy, pandas and scipy, an npm package tree, deletions and odd files. */
import { join } from 'node:path'
import {
  cachedImage,
  debianLayer,
  IMAGE_PROGRAMS,
  type LocalImage,
  packageLayer,
  plainOddLayer,
} from '../../e2e/src/debian-image.ts'
import { must } from '../../e2e/src/run.ts'

/** Programs that the bench needs besides the original's. */
export const BENCH_PROGRAMS = [...IMAGE_PROGRAMS, 'docker-registry', 'skopeo', 'pip', 'find', 'chroot']

/** The program whose cold start is measured. */
export const APP = [
  '/usr/bin/env',
  'PYTHONPATH=/opt/site',
  '/usr/bin/python3',
  '-B',
  '-c',
  'import pandas, numpy; print(pandas.__version__)',
]

/** Makes the image, a few minutes the first time. */
export function benchImage(): Promise<LocalImage> {
  return cachedImage('bench', [debianLayer, siteLayer, packageLayer, plainOddLayer])
}

/** Python packages of the data-science kind, from the package index that pip is set up for. */
async function siteLayer(work: string): Promise<string> {
  const site = join(work, 'site')
  const tar = join(work, 'site.tar')
  await must(['pip', 'install', '--quiet', '--no-compile', '--target', site, 'numpy', 'pandas', 'scipy'], {
    timeoutMs: 600_000,
  })
  await must([
    'tar',
    '--create',
    `--file=${tar}`,
    '--sort=name',
    '--mtime=@1700000000',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--transform=flags=r;s,^site,opt/site,',
    `--directory=${work}`,
    'site',
  ])
  return tar
}
