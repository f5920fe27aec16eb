// SPDX-License-Identifier: Apache-2.0
/** `optimize`: puts what is read first into a blob of its own. */
import { readFile } from 'node:fs/promises'
import { openBlobFile, optimizeImage, parsePrefetchFiles } from '@nydus/builder'
import { openBlobAccess, readConfig, readerOf } from '../blob-access.ts'
import { placeBootstrap } from '../bootstrap-place.ts'
import type { ImageArguments } from '../command-spec.ts'
import type { ImageContext } from '../context.ts'
import { fileFailure, refused } from '../file-failure.ts'
import { readBootstrap } from '../read-bootstrap.ts'
import { writeResult } from '../result-json.ts'
import { Trace } from '../trace.ts'

/** Runs `optimize`. */
export async function runOptimize(values: ImageArguments, context: ImageContext): Promise<number> {
  const { log, signal } = context
  const trace = new Trace()
  const directory = given(values, 'output-blob-dir')
  const listPath = given(values, 'prefetch-files')
  const path = values.need('bootstrap')
  const target = values.need('output-bootstrap')
  await readConfig(values)
  const access = await openBlobAccess(values, '--blob-dir or --backend-type')
  try {
    const bootstrap = await trace.time('load_tree_from_bootstrap', () => readBootstrap(path, context))
    const optimized = await optimizeImage({
      bootstrap,
      reader: readerOf(bootstrap, path, access, signal),
      files: parsePrefetchFiles(await readText(listPath)),
      createBlob: () => openBlobFile(directory),
      signal,
    })
    for (const file of optimized.missing) log.warn(`${file} is not in the image and is left out`)
    if (optimized.prefetchBlobId === undefined)
      log.warn('none of the files is in the image: there is no new blob')
    await trace.time('dump_bootstrap', () =>
      placeBootstrap(optimized.bootstrap, { kind: 'file', path: target }),
    )
    const { fsVersion, compressor } = bootstrap
    await writeResult(values, { bootstrap: target, blobs: optimized.blobIds, fsVersion, compressor }, trace)
    return 0
  } finally {
    await access.close()
  }
}

function given(values: ImageArguments, name: string): string {
  const value = values.text(name)
  if (value === undefined) throw refused(`missing parameter \`${name}\``)
  return value
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw fileFailure(error, 'read', path)
  }
}
