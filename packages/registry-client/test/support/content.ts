// SPDX-License-Identifier: Apache-2.0
/** Content for tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256Digest } from '@nydus/base/digest'
import {
  type ContentIdentity,
  type Manifest,
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_MANIFEST,
} from '../../src/index.ts'

/** Bytes that repeat nowhere near. */
export function patternBytes(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed >>> 0 || 1
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

export function identityOf(bytes: Uint8Array): ContentIdentity {
  return { digest: sha256Digest(bytes), size: bytes.length }
}

/** A small image: its blobs and its manifest. */
export function smallImage(seed = 1) {
  const layer = patternBytes(10_000, seed)
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: [sha256Digest(layer)] },
    }),
  )
  const document: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    config: { mediaType: MEDIA_TYPE_OCI_CONFIG, ...identityOf(config) },
    layers: [{ mediaType: MEDIA_TYPE_OCI_LAYER, ...identityOf(layer) }],
  }
  const manifest = Buffer.from(JSON.stringify(document))
  return { layer, config, document, manifest, mediaType: MEDIA_TYPE_OCI_MANIFEST }
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

/** What `promise` is rejected with; fails when it is not. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; hint?: string; details?: object }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a failure')
}

/** Runs `work` with a directory that is removed afterwards. */
export async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'nydus-registry-client-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
