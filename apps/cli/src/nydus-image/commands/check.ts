// SPDX-License-Identifier: Apache-2.0
/** `check`: a bootstrap, or the one in a layer blob → findings, or the list of its blobs. */
import { FormatError } from '@nydus/base/error'
import { type Bootstrap, openBootstrap, validateBootstrap } from '@nydus/rafs-format'
import type { ImageArguments } from '../command-spec.ts'
import type { ImageContext, TextOutput } from '../context.ts'
import { ownBlobId } from '../own-blob-id.ts'
import { bootstrapPath, readBootstrapOrBlob, sayFeatures } from '../read-bootstrap.ts'
import { writeResult } from '../result-json.ts'
import { Trace } from '../trace.ts'
import { blobLine } from './check-text.ts'

/** Lines that are written at a time. */
const LINES_AT_ONCE = 1000

/** Runs `check`. @throws {FormatError} with all findings in the message. */
export async function runCheck(values: ImageArguments, context: ImageContext): Promise<number> {
  const { stdout, log } = context
  const path = bootstrapPath(values)
  const bytes = await readBootstrapOrBlob(path)
  const findings = validateBootstrap(bytes)
  for (const { severity, place, message } of findings) {
    if (severity === 'warning') log.warn(`${place}: ${message}`)
  }
  const errors = findings.filter(({ severity }) => severity === 'error')
  const [first] = errors
  if (first !== undefined) {
    const list = errors.map(({ place, message }) =>
      message.startsWith(place) ? message : `${place}: ${message}`,
    )
    throw new FormatError(
      first.code as ConstructorParameters<typeof FormatError>[0],
      `${path}: ${list.join('; ')}`,
    )
  }
  const bootstrap = openBootstrap(bytes)
  sayFeatures(bootstrap, log)
  if (values.isGiven('verbose')) await printInodes(bootstrap, stdout)
  const blobs = bootstrap.blobs.map((blob) => ({ ...blob, blobId: ownBlobId(blob, path) }))
  const list = blobs.map((blob, i) => `${blobLine(i, blob)}\n`).join('')
  stdout.write(`RAFS filesystem metadata is valid, referenced data blobs: \n${list}`)
  const { fsVersion, compressor } = bootstrap
  const result = { bootstrap: path, blobs: blobs.map(({ blobId }) => blobId), fsVersion, compressor }
  await writeResult(values, result, new Trace(), 0)
  return 0
}

async function printInodes(bootstrap: Bootstrap, stdout: TextOutput): Promise<void> {
  const { inodeLines } = await import('./check-inodes.ts')
  let lines: string[] = []
  for (const line of inodeLines(bootstrap)) {
    if (lines.push(line) < LINES_AT_ONCE) continue
    stdout.write(`${lines.join('\n')}\n`)
    lines = []
  }
  if (lines.length > 0) stdout.write(`${lines.join('\n')}\n`)
}
