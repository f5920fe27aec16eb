// SPDX-License-Identifier: Apache-2.0
/** Writes an OCI image layout from layer tars, independently of the packages under test. */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

const MEDIA = 'application/vnd.oci.image'

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

/** Makes `directory` an OCI layout with one image, tag `tag`, whose layers are the gzipped `tars`, lowest first. */
export async function writeOciLayout(directory: string, tag: string, tars: readonly string[]): Promise<void> {
  mkdirSync(join(directory, 'blobs/sha256'), { recursive: true })
  const layers: Descriptor[] = []
  const diffIds: string[] = []
  for (const tar of tars) {
    diffIds.push(`sha256:${await sha256File(tar)}`)
    layers.push(await storeGzipped(directory, tar))
  }
  const config = storeJson(directory, `${MEDIA}.config.v1+json`, {
    created: '2026-01-01T00:00:00Z',
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: {
      Env: ['PATH=/usr/bin:/bin'],
      Cmd: ['/usr/bin/python3'],
      Labels: { purpose: 'nydus end-to-end test' },
    },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: tars.map((_, index) => ({ created: '2026-01-01T00:00:00Z', created_by: `layer ${index}` })),
  })
  const manifest = storeJson(directory, `${MEDIA}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${MEDIA}.manifest.v1+json`,
    config,
    layers,
  })
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': tag } }
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }))
}

/** SHA-256 of a file, in hex. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of createReadStream(path)) hash.update(bytes as Buffer)
  return hash.digest('hex')
}

async function storeGzipped(directory: string, tar: string): Promise<Descriptor> {
  const temporary = join(directory, 'blobs/layer.partial')
  await pipeline(
    createReadStream(tar),
    createGzip({ level: 6, chunkSize: 1 << 20 }),
    createWriteStream(temporary),
  )
  const hex = await sha256File(temporary)
  const size = statSync(temporary).size
  renameSync(temporary, join(directory, 'blobs/sha256', hex))
  return { mediaType: `${MEDIA}.layer.v1.tar+gzip`, digest: `sha256:${hex}`, size }
}

function storeJson(directory: string, mediaType: string, document: unknown): Descriptor {
  const bytes = Buffer.from(JSON.stringify(document))
  const hex = createHash('sha256').update(bytes).digest('hex')
  writeFileSync(join(directory, 'blobs/sha256', hex), bytes)
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
}
