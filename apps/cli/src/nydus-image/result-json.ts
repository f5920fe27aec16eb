// SPDX-License-Identifier: Apache-2.0
/** The result file (`--output-json`): the members of the original in its order. */
import type { Compressor } from '@nydus/base/compress'
import type { ImageArguments } from './command-spec.ts'
import { writeOutputFile } from './output-file.ts'
import type { Trace } from './trace.ts'
import { RESULT_VERSION } from './version-text.ts'

/** What a command made. */
export interface ImageResult {
  /** Path, or empty for one that is inside the blob. */
  readonly bootstrap: string
  /** Ids in the order of the blob table. */
  readonly blobs: readonly string[]
  /** Path, or empty. */
  readonly externalBootstrap?: string
  readonly externalBlobs?: readonly string[]
  readonly fsVersion: 5 | 6
  readonly compressor: Compressor
}

/**
 * Writes the result where `--output-json` says, if it does.
 * @param indent spaces a level; 0 for one line.
 */
export async function writeResult(
  values: ImageArguments,
  result: ImageResult,
  trace: Trace,
  indent: 0 | 2 = 2,
): Promise<void> {
  const path = values.text('output-json')
  if (path !== undefined) await writeResultFile(path, result, trace, indent)
}

/** Writes the result to a file. @param indent as of `writeResult`. @throws {NydusError} ERR_BUILD_IO, ERR_NO_SPACE */
export async function writeResultFile(
  path: string,
  result: ImageResult,
  trace: Trace,
  indent: 0 | 2 = 2,
): Promise<void> {
  const document = {
    version: RESULT_VERSION,
    bootstrap: result.bootstrap,
    blobs: result.blobs,
    external_bootstrap: result.externalBootstrap ?? '',
    external_blobs: result.externalBlobs ?? [],
    trace: trace.summary(),
    fs_version: String(result.fsVersion),
    compressor: result.compressor,
  }
  await writeOutputFile(path, JSON.stringify(document, undefined, indent))
}
