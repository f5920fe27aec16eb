// SPDX-License-Identifier: Apache-2.0
/** `compact`: rewrites little used and small blobs. */
import { join, parse } from 'node:path'
import { compactImage, openBlobFile } from '@nydus/builder'
import { type BlobAccess, localAccess, openBlobAccess, readConfig, readerOf } from '../blob-access.ts'
import { placeBootstrap } from '../bootstrap-place.ts'
import type { ImageArguments } from '../command-spec.ts'
import type { ImageContext } from '../context.ts'
import { dictPathOf } from '../dict-path.ts'
import { refused } from '../file-failure.ts'
import { readBootstrap } from '../read-bootstrap.ts'
import { writeResult } from '../result-json.ts'
import { Trace } from '../trace.ts'

const MAX_RATIO = 99

/** Runs `compact`; without a blob to rewrite nothing is written. */
export async function runCompact(values: ImageArguments, context: ImageContext): Promise<number> {
  const { log, signal } = context
  const trace = new Trace()
  const path = values.need('bootstrap')
  const directory = values.need('blob-dir')
  const options = {
    minUsedRatio: numberOf(values, 'min-used-ratio', MAX_RATIO),
    compactBlobSize: numberOf(values, 'compact-blob-size'),
    maxCompactSize: numberOf(values, 'max-compact-size'),
    layersToCompact: numberOf(values, 'layers-to-compact'),
  }
  const dictPath = dictPathOf(values.text('chunk-dict'))
  await readConfig(values)
  const access = await openAccess(values, directory)
  try {
    const bootstrap = await readBootstrap(path, context)
    const dict = dictPath === undefined ? undefined : await readBootstrap(dictPath, context)
    const compacted = await trace.time('compact', () =>
      compactImage({
        bootstrap,
        reader: readerOf(bootstrap, path, access, signal),
        createBlob: () => openBlobFile(directory),
        signal,
        ...options,
        ...(dict === undefined ? {} : { dict }),
      }),
    )
    if (compacted === undefined) {
      log.info('no blob needs to be compacted')
      return 0
    }
    for (const blobId of compacted.removedBlobIds) log.info(`blob ${blobId} is not used any more`)
    const target = values.text('output-bootstrap') ?? compactPath(path)
    const { fsVersion, compressor } = bootstrap
    await trace.time('dump_bootstrap', () =>
      placeBootstrap(compacted.bootstrap, { kind: 'file', path: target }),
    )
    await writeResult(values, { bootstrap: target, blobs: compacted.blobIds, fsVersion, compressor }, trace)
    return 0
  } finally {
    await access.close()
  }
}

/** `image.boot` → `image.bootstrap.compact` */
function compactPath(path: string): string {
  const { dir, name } = parse(path)
  return join(dir, `${name}.bootstrap.compact`)
}

/** With a backend, blobs are there or in the directory; `--blob-dir` alone is the backend. */
async function openAccess(values: ImageArguments, directory: string): Promise<BlobAccess> {
  const access = await openBlobAccess(values, '--blob-dir or --backend-type')
  return values.isGiven('backend-type') ? withFallback(access, localAccess({ dir: directory })) : access
}

function withFallback(first: BlobAccess, second: BlobAccess): BlobAccess {
  return {
    openBlob(blobId) {
      const local = second.openBlob(blobId)
      const remote = first.openBlob(blobId)
      return {
        blobId,
        read: (range, options) => local.read(range, options).catch(() => remote.read(range, options)),
      }
    },
    close: async () => {
      await Promise.all([first.close(), second.close()])
    },
  }
}

function numberOf(values: ImageArguments, name: string, most = Number.MAX_SAFE_INTEGER): number {
  const text = values.need(name)
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN
  if (value <= most) return value
  throw refused(`--${name} ${JSON.stringify(text)}: expected a number from 0 to ${most}`)
}
