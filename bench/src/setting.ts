// SPDX-License-Identifier: Apache-2.0
/** What all rows share: a work directory, a registry with the source image, the peers. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPeers, type Peers } from '../../e2e/src/peers.ts'
import { type Registry, startDockerRegistry } from '../../e2e/src/registry.ts'
import { must, run } from '../../e2e/src/run.ts'
import { benchImage } from './image.ts'

/** The running set-up. */
export interface Setting {
  readonly work: string
  readonly registry: Registry
  /** Reference of the source image. */
  readonly source: string
  readonly peers: Peers | undefined
  /** A fresh directory below `work`. */
  directory(name: string): string
  close(): Promise<void>
}

/** Starts a registry and pushes the source image. */
export async function openSetting(): Promise<Setting> {
  const work = mkdtempSync(join(tmpdir(), 'nydus-bench-'))
  const image = await benchImage()
  const registry = await startDockerRegistry(join(work, 'registry'))
  const source = `${registry.host}/bench/app:v1`
  const local = `oci:${image.directory}:${image.tag}`
  await must(['skopeo', 'copy', '--insecure-policy', '--dest-tls-verify=false', local, `docker://${source}`])
  return {
    work,
    registry,
    source,
    peers: findPeers(),
    directory(name) {
      const path = join(work, name)
      rmSync(path, { recursive: true, force: true })
      mkdirSync(path, { recursive: true })
      return path
    },
    async close() {
      await run(['umount', '-l', join(work, 'mnt')])
      await registry.close()
      rmSync(work, { recursive: true, force: true })
    },
  }
}
