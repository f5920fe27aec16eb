// SPDX-License-Identifier: Apache-2.0
/** Where a new bootstrap goes. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ImageArguments } from './command-spec.ts'
import { refused } from './file-failure.ts'
import { type OutputFile, openOutputFile, openOutputIn } from './output-file.ts'

/** A file, or a directory in which the bootstrap is named by its SHA-256. */
export interface BootstrapPlace {
  readonly kind: 'file' | 'directory'
  readonly path: string
}

/** What `--bootstrap` or `--blob-dir` says. @throws {NydusError} ERR_USAGE without a place. */
export function bootstrapPlaceOf(values: ImageArguments): BootstrapPlace {
  const file = values.text('bootstrap')
  if (file !== undefined) return { kind: 'file', path: file }
  const directory = values.text('blob-dir')
  if (directory === undefined) {
    throw refused(
      'both --bootstrap and --blob-dir are missing, please specify one to store the generated metadata blob file',
    )
  }
  if (!existsSync(directory)) throw refused('directory to store blobs does not exist')
  return { kind: 'directory', path: directory }
}

/** A bootstrap under way to its place. Either `commit` or `discard` must be called. */
export interface BootstrapOutput {
  /** Takes the next bytes; they belong to the caller again when the promise is fulfilled. */
  write(bytes: Uint8Array): Promise<void>
  readonly givesBack: true
  /** Puts it in its place. @returns its path. */
  commit(): Promise<string>
  /** Removes what was written; nothing happens after `commit`. */
  discard(): Promise<void>
}

/**
 * The way to a place. It is opened by the first bytes: a FIFO may get its reader only when the blob is read.
 * @throws {NydusError} ERR_BUILD_IO, ERR_NO_SPACE, as all its methods do.
 */
export function bootstrapOutput({ kind, path }: BootstrapPlace): BootstrapOutput {
  const hash = createHash('sha256')
  let opened: Promise<OutputFile> | undefined
  const open = () => {
    opened ??= kind === 'file' ? openOutputFile(path) : openOutputIn(path)
    return opened
  }
  return {
    givesBack: true,
    async write(bytes) {
      const file = await open()
      if (kind === 'directory') hash.update(bytes)
      await file.write(bytes)
    },
    async commit() {
      const file = await open()
      const name = hash.digest('hex')
      await file.commit(name)
      return kind === 'file' ? path : join(path, name)
    },
    async discard() {
      const file = await opened?.catch(() => undefined)
      await file?.discard()
    },
  }
}

/** Writes a bootstrap to its place. @returns its path. @throws {NydusError} ERR_BUILD_IO, ERR_NO_SPACE */
export async function placeBootstrap(bootstrap: Uint8Array, place: BootstrapPlace): Promise<string> {
  const output = bootstrapOutput(place)
  try {
    await output.write(bootstrap)
    return await output.commit()
  } finally {
    await output.discard()
  }
}
