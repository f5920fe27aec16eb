// SPDX-License-Identifier: Apache-2.0
/** The original's binaries, when `NYDUS_PEERS` names a directory that has them. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Absolute paths of the original's tools. */
export interface Peers {
  readonly nydusify: string
  readonly nydusImage: string
  readonly nydusd: string
}

/** The peers, or undefined when the variable is unset; a set but incomplete directory is an error. */
export function findPeers(): Peers | undefined {
  const directory = process.env.NYDUS_PEERS
  if (directory === undefined || directory === '') return undefined
  const peers = {
    nydusify: join(directory, 'nydusify'),
    nydusImage: join(directory, 'nydus-image'),
    nydusd: join(directory, 'nydusd'),
  }
  const missing = Object.values(peers).filter((path) => !existsSync(path))
  if (missing.length > 0) throw new Error(`NYDUS_PEERS lacks ${missing.join(', ')}`)
  return peers
}
