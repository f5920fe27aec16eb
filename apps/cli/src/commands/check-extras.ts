// SPDX-License-Identifier: Apache-2.0
/** What the cli adds to a check: a real mount to compare with, and files for people who want to look. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { CheckedDocuments, CheckOptions, MountTarget } from '@nydus/checker'
import { makeDirectories } from '@nydus/registry-client'
import { localFailure } from '../convert/work-directory.ts'
import { mountRemoteImage } from '../mount/mount-remote-image.ts'
import { openXattrReader } from '../mount/read-xattrs.ts'

/** Mounts the target of a check in a temporary directory. */
export function mountCallback(options: CheckOptions, signal: AbortSignal): MountTarget {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nydus-check-'))
    const remove = () => rmSync(directory, { recursive: true, force: true })
    const mountpoint = join(directory, 'mnt')
    try {
      mkdirSync(mountpoint)
      const readXattrs = await openXattrReader()
      const mounted = await mountRemoteImage({
        image: options.target,
        mountpoint,
        insecure: options.targetInsecure ?? false,
        plainHttp: options.plainHttp ?? false,
        cacheDir: join(directory, 'cache'),
        ...(options.platform === undefined ? {} : { platform: options.platform }),
        signal,
      })
      return {
        path: mounted.mountpoint,
        readXattrs,
        async close() {
          await mounted.unmount()
          remove()
        },
      }
    } catch (error) {
      remove()
      throw error
    }
  }
}

/** Writes the documents of a check below `directory`, as the original's `check` does. */
export function saveDocuments(directory: string): (documents: CheckedDocuments) => void {
  return ({ source, target, bootstrapLayer }) => {
    if (source !== undefined) {
      save(join(directory, 'source', 'oci_manifest.json'), json(source.manifest))
      save(join(directory, 'source', 'oci_config.json'), json(source.config))
    }
    save(join(directory, 'target', 'nydus_manifest.json'), json(target.manifest))
    save(join(directory, 'target', 'nydus_config.json'), json(target.config))
    if (bootstrapLayer === undefined) return
    save(join(directory, 'target', 'nydus_bootstrap', 'image', 'image.boot'), bootstrapLayer.bootstrap)
    for (const [blobId, bytes] of bootstrapLayer.blobMetas) {
      save(join(directory, 'target', 'nydus_bootstrap', 'image', `${blobId}.blob.meta`), bytes)
    }
  }
}

function save(path: string, content: string | Uint8Array): void {
  try {
    makeDirectories(dirname(path))
    writeFileSync(path, content)
  } catch (error) {
    throw localFailure(error, path)
  }
}

function json(document: unknown): string {
  return `${JSON.stringify(document, undefined, 2)}\n`
}
