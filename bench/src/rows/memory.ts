// SPDX-License-Identifier: Apache-2.0
/** Row: peak memory of converting one layer that holds a single file of 4 GB. */
import { createHash } from 'node:crypto'
import { createWriteStream, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { measure } from '../measure.ts'
import type { Report } from '../report.ts'
import type { Setting } from '../setting.ts'

const FILE_BYTES = 4 * 2 ** 30
const PIECE_BYTES = 1 << 20

/** Builds an OCI layout with an uncompressed 4 GB layer and converts it into another layout. */
export async function memoryRow(setting: Pick<Setting, 'directory'>, report: Report): Promise<void> {
  const source = setting.directory('big')
  const target = setting.directory('big-nydus')
  await writeBigImage(source)
  const line = [
    'nydus',
    'convert',
    '--source',
    `oci:${source}:big`,
    '--target',
    `oci:${target}:big`,
    '--work-dir',
    setting.directory('big-tmp'),
  ]
  const run = await measure(line)
  if (run.status !== 0) throw new Error(run.output)
  report.add({
    work: 'convert a 4 GB single-file layer, largest process',
    unit: 'MiB',
    ours: run.peakMiB,
    bar: '≤ 400 MB',
  })
  report.add({ work: 'convert a 4 GB single-file layer, wall', unit: 's', ours: run.wallSeconds, bar: '–' })
}

async function writeBigImage(directory: string): Promise<void> {
  const blobs = join(directory, 'blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const hash = createHash('sha256')
  const partial = join(directory, 'partial')
  await pipeline(
    Readable.from(bigTar(hash), { objectMode: true, highWaterMark: 2 }),
    createWriteStream(partial),
  )
  const layer = hash.digest('hex')
  renameSync(partial, join(blobs, layer))
  const size = statSync(join(blobs, layer)).size
  const put = (mediaType: string, document: unknown) => {
    const bytes = Buffer.from(JSON.stringify(document))
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(blobs, hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }
  const oci = 'application/vnd.oci.image'
  const config = put(`${oci}.config.v1+json`, {
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
  })
  const layers = [{ mediaType: `${oci}.layer.v1.tar`, digest: `sha256:${layer}`, size }]
  const manifest = put(`${oci}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${oci}.manifest.v1+json`,
    config,
    layers,
  })
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'big' } }
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }))
}

/** One file of 4 GB whose pieces all differ; half of each compresses. */
function* bigTar(hash: ReturnType<typeof createHash>): Iterable<Buffer> {
  const emit = (bytes: Buffer) => {
    hash.update(bytes)
    return bytes
  }
  yield emit(header('big', FILE_BYTES))
  const noise = createHash('shake256', { outputLength: PIECE_BYTES / 2 })
    .update('noise')
    .digest()
  for (let piece = 0; piece < FILE_BYTES / PIECE_BYTES; piece++) {
    const bytes = Buffer.alloc(PIECE_BYTES, `piece ${piece} `)
    noise.copy(bytes, 0)
    bytes.writeUInt32LE(piece, 0)
    yield emit(bytes)
  }
  yield emit(Buffer.alloc(1024))
}

function header(path: string, size: number): Buffer {
  const block = Buffer.alloc(512)
  block.write(path, 0)
  block.write('0000644\0' + '0000000\0' + '0000000\0', 100, 'latin1')
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  block.write('14524770400\0        0', 136, 'latin1')
  block.write('ustar\u000000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
