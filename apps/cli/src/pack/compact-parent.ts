// SPDX-License-Identifier: Apache-2.0
/** Before a build on top of a parent: its little used blobs are rewritten, so that chains of builds stay short. */
import { join } from 'node:path'
import { compactImage, openBlobFile } from '@nydus/builder'
import { openChunkReader } from '@nydus/chunk-cache'
import { openBootstrap } from '@nydus/rafs-format'
import { localAccess } from '../nydus-image/blob-access.ts'
import { writeOutputFile } from '../nydus-image/output-file.ts'
import { readBootstrapBytes } from '../nydus-image/read-bootstrap.ts'
import { writeResultFile } from '../nydus-image/result-json.ts'
import type { Trace } from '../nydus-image/trace.ts'
import type { PackOptions } from './pack-options.ts'

/**
 * The bytes of the parent's bootstrap, compacted if that is wanted and worth it: then the new bootstrap stands beside the
 * parent's as `<parent>.compact`, new blobs are in the output directory, and `compact-result.json` names them.
 */
export async function compactParent(
  options: PackOptions,
  outputDir: string,
  trace: Trace,
): Promise<Uint8Array | undefined> {
  const { parentPath, parentBlobsDir = outputDir, compact, chunkDictPath, signal } = options
  if (parentPath === undefined) return undefined
  const bytes = await readBootstrapBytes(parentPath)
  if (compact === undefined) return bytes
  const bootstrap = openBootstrap(bytes)
  const access = localAccess({ dir: parentBlobsDir })
  try {
    const compacted = await trace.time('compact', async () =>
      compactImage({
        ...compact,
        bootstrap,
        reader: openChunkReader({ bootstrap, openBlob: (blobId) => access.openBlob(blobId), signal }),
        createBlob: () => openBlobFile(outputDir),
        ...(chunkDictPath !== undefined && { dict: await readBootstrapBytes(chunkDictPath) }),
        ...(signal !== undefined && { signal }),
      }),
    )
    if (compacted === undefined) return bytes
    const path = `${parentPath}.compact`
    await writeOutputFile(path, compacted.bootstrap)
    const { fsVersion, compressor } = bootstrap
    const result = { bootstrap: path, blobs: compacted.blobIds, fsVersion, compressor }
    await writeResultFile(join(outputDir, 'compact-result.json'), result, trace)
    return compacted.bootstrap
  } finally {
    await access.close()
  }
}
