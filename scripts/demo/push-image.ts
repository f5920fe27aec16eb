// SPDX-License-Identifier: Apache-2.0
/** Pushes the demo image with our own registry client. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream, createWriteStream, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type Digest, sha256Digest } from '@nydus/base/digest'
import { openImageStore } from '@nydus/registry-client'

const OCI = 'application/vnd.oci.image'

/** Gzips each tar and pushes the image; gives the compressed and uncompressed sizes of its layers. */
export async function pushImage(
  reference: string,
  tars: readonly (() => Iterable<Uint8Array>)[],
  work: string,
): Promise<{ compressed: number; uncompressed: number }[]> {
  const store = await openImageStore(reference, { plainHttp: true })
  const layers: { mediaType: string; digest: Digest; size: number }[] = []
  const diffIds: string[] = []
  const sizes: { compressed: number; uncompressed: number }[] = []
  for (const tar of tars) {
    const file = join(work, 'layer.tar.gz')
    const plain = counting()
    const stored = counting()
    await pipeline(
      Readable.from(tar()),
      plain.stream,
      createGzip({ level: 1 }),
      stored.stream,
      createWriteStream(file),
    )
    const descriptor = {
      mediaType: `${OCI}.layer.v1.tar+gzip`,
      digest: stored.digest(),
      size: statSync(file).size,
    }
    await store.putBlob(descriptor, () => createReadStream(file))
    rmSync(file)
    diffIds.push(plain.digest())
    layers.push(descriptor)
    sizes.push({ compressed: descriptor.size, uncompressed: plain.bytes() })
  }
  const config = Buffer.from(JSON.stringify(imageConfig(diffIds)))
  const configDescriptor = {
    mediaType: `${OCI}.config.v1+json`,
    digest: sha256Digest(config),
    size: config.length,
  }
  await store.putBlob(configDescriptor, config)
  const manifest = {
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: configDescriptor,
    layers,
  }
  await store.putManifest(Buffer.from(JSON.stringify(manifest)), manifest.mediaType, {
    tag: 'from-reference',
  })
  await store.close()
  return sizes
}

function imageConfig(diffIds: readonly string[]): unknown {
  return {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Cmd: ['/bin/true'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: diffIds.map(() => ({ created_by: 'npm run demo' })),
  }
}

function counting(): { stream: Transform; digest(): Digest; bytes(): number } {
  const hash: Hash = createHash('sha256')
  let bytes = 0
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      bytes += chunk.length
      done(null, chunk)
    },
  })
  return { stream, digest: () => `sha256:${hash.digest('hex')}`, bytes: () => bytes }
}
