// SPDX-License-Identifier: Apache-2.0
/** `export --block`: bootstrap and blobs → raw disk. */
import { basename, join } from 'node:path'
import { exportBlock, openDiskFile, veritySetupOptions } from '@nydus/builder'
import { type BlobAccess, backendAccess, localAccess, readConfig, readerOf } from '../blob-access.ts'
import type { ImageArguments } from '../command-spec.ts'
import type { ImageContext } from '../context.ts'
import { refused } from '../file-failure.ts'
import { readBootstrap } from '../read-bootstrap.ts'
import { UsageError } from '../usage-error.ts'

/** Runs `export`; with `--verity` the options for veritysetup are the only line of the standard output. */
export async function runExport(values: ImageArguments, context: ImageContext): Promise<number> {
  const { signal } = context
  const threads = values.need('threads')
  if (!/^[0-9]+$/.test(threads)) {
    const message = `invalid value '${threads}' for '--threads <threads>': not a number`
    throw new UsageError(message, 'see nydus-image export --help')
  }
  const { path, access } = await openEntry(values)
  try {
    const bootstrap = await readBootstrap(path, context)
    const output = values.text('output') ?? join(values.text('localfs-dir') ?? '.', `${basename(path)}.disk`)
    const disk = await openDiskFile(output)
    try {
      const reader = readerOf(bootstrap, path, access, signal)
      const verity = values.isGiven('verity')
      const result = await exportBlock({ bootstrap, reader, sink: disk, verity, signal })
      await disk.commit()
      if (verity) context.stdout.write(`${veritySetupOptions(result)}\n`)
    } finally {
      await disk.discard()
    }
    return 0
  } finally {
    await access.close()
  }
}

/** The bootstrap and its blobs: in a directory, or as a configuration says. */
async function openEntry(values: ImageArguments): Promise<{ path: string; access: BlobAccess }> {
  const directory = values.text('localfs-dir')
  if (directory !== undefined)
    return { path: values.need('bootstrap'), access: localAccess({ dir: directory }) }
  const entry = await readConfig(values)
  if (entry === undefined) throw refused('both option `-C/--config` and `-D/--localfs-dir` are missing')
  const config = memberOf(entry, 'config_v2') ?? memberOf(entry, 'config')
  const path = memberOf(config, 'metadata_path')
  const backend = memberOf(config, 'backend')
  const type = memberOf(backend, 'type')
  if (typeof path !== 'string' || typeof type !== 'string') {
    throw refused(
      'invalid blob cache entry configuration information',
      'config_v2 needs metadata_path and backend.type',
      'ERR_CONFIG_INVALID',
    )
  }
  return { path, access: await backendAccess(type, memberOf(backend, type)) }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
