// SPDX-License-Identifier: Apache-2.0
/** `chunkdict generate`: bootstraps of images → bootstrap of a chunk dictionary. */
import { generateChunkDict, imageOfBootstrapPath, openChunkDatabase } from '@nydus/builder'
import type { Bootstrap } from '@nydus/rafs-format'
import { readConfig } from '../blob-access.ts'
import { bootstrapPlaceOf, placeBootstrap } from '../bootstrap-place.ts'
import type { ImageArguments } from '../command-spec.ts'
import type { ImageContext } from '../context.ts'
import { readBootstrap } from '../read-bootstrap.ts'
import { writeResult } from '../result-json.ts'
import { Trace } from '../trace.ts'

/** Runs `chunkdict generate`. */
export async function runChunkDict(values: ImageArguments, context: ImageContext): Promise<number> {
  const { log } = context
  const trace = new Trace()
  const url = values.need('database')
  const place = bootstrapPlaceOf(values)
  await readConfig(values)
  const sources: (ReturnType<typeof imageOfBootstrapPath> & { bootstrap: Bootstrap })[] = []
  for (const path of values.operands) {
    sources.push({ ...imageOfBootstrapPath(path), bootstrap: await readBootstrap(path, context) })
  }
  const database = await openChunkDatabase(url)
  try {
    const dict = await trace.time('generate_chunk_dict', () => generateChunkDict({ sources, database }))
    log.info(`the chunk dictionary has ${dict.chunkCount} chunks; what is known of the images is in ${url}`)
    for (const image of dict.noiseImages) log.info(`deduplication is not recommended for ${image}`)
    const bootstrap = await trace.time('dump_bootstrap', () => placeBootstrap(dict.bootstrap, place))
    const [first] = sources
    const { fsVersion = 6, compressor = 'zstd' } = first?.bootstrap ?? {}
    await writeResult(values, { bootstrap, blobs: dict.blobIds, fsVersion, compressor }, trace)
    log.info(`the chunk dictionary is saved at ${bootstrap}`)
    return 0
  } finally {
    database.close()
  }
}
