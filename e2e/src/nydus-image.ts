// SPDX-License-Identifier: Apache-2.0
/** A Nydus image taken out of a registry with other people's tools: skopeo and tar. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { must } from './run.ts'

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
}

/** An image as an OCI layout on disk. */
export interface PulledImage {
  readonly directory: string
  readonly manifestDigest: string
  readonly layers: readonly Descriptor[]
  /** Path of `image.boot`, unpacked from the last layer. */
  readonly bootstrap: string
}

/** Pulls `reference` into `directory` and unpacks its bootstrap layer. */
export async function pullNydusImage(reference: string, directory: string): Promise<PulledImage> {
  await must([
    'skopeo',
    'copy',
    '--insecure-policy',
    '--src-tls-verify=false',
    `docker://${reference}`,
    `oci:${directory}:pulled`,
  ])
  const [{ digest }] = readJson(join(directory, 'index.json')).manifests as [Descriptor]
  const layers = readJson(blobPath(directory, digest)).layers as Descriptor[]
  const unpacked = join(directory, 'bootstrap')
  mkdirSync(unpacked)
  await must(['tar', '-xzf', blobPath(directory, layers.at(-1)?.digest ?? ''), '-C', unpacked])
  return { directory, manifestDigest: digest, layers, bootstrap: join(unpacked, 'image/image.boot') }
}

/** Where an OCI layout keeps a blob. */
export function blobPath(directory: string, digest: string): string {
  return join(directory, 'blobs', digest.replace(':', '/'))
}

/** A JSON file. */
export function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
}
