// SPDX-License-Identifier: Apache-2.0
/** `stat`: bootstraps → counts. */
import { readdir, stat } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import type { Digester } from '@nydus/base/digest'
import { describeError } from '@nydus/base/error'
import { formatStatisticsJson, formatStatisticsText, statImages } from '@nydus/builder'
import type { Bootstrap } from '@nydus/rafs-format'
import { readConfig } from '../blob-access.ts'
import type { ImageArguments } from '../command-spec.ts'
import type { ImageContext } from '../context.ts'
import { fileFailure, refused } from '../file-failure.ts'
import { writeOutputFile } from '../output-file.ts'
import { readBootstrap } from '../read-bootstrap.ts'

/** Runs `stat`. @throws {NydusError} ERR_USAGE without an image. */
export async function runStat(values: ImageArguments, context: ImageContext): Promise<number> {
  await readConfig(values)
  const targetPath = values.text('target')
  const path = values.text('bootstrap')
  const directory = values.text('blob-dir')
  const base: Bootstrap[] = []
  if (path !== undefined) base.push(await readBootstrap(path, context))
  else if (directory !== undefined) base.push(...(await readDirectory(directory, targetPath, context)))
  else throw refused('one of `--bootstrap` and `--blob-dir` must be specified')
  const statistics = statImages({
    base,
    dedup: path === undefined,
    digester: values.need('digester') as Digester,
    ...(targetPath === undefined ? {} : { target: await readBootstrap(targetPath, context) }),
  })
  const output = values.text('output-json')
  if (output === undefined) context.stdout.write(formatStatisticsText(statistics))
  else await writeOutputFile(output, formatStatisticsJson(statistics))
  return 0
}

/** The bootstraps among the files of a directory that have no extension, the target left out. */
async function readDirectory(
  directory: string,
  targetPath: string | undefined,
  context: ImageContext,
): Promise<Bootstrap[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    throw fileFailure(error, 'read directory', directory)
  })
  const bootstraps = []
  for (const name of names.sort()) {
    const path = join(directory, name)
    if (extname(name) !== '' || (targetPath !== undefined && resolve(path) === resolve(targetPath))) continue
    try {
      if ((await stat(path)).isFile()) bootstraps.push(await readBootstrap(path, context))
    } catch (error) {
      context.log.debug(`${path} is left out: ${describeError(error)}`)
    }
  }
  return bootstraps
}
