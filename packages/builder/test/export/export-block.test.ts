// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { openBootstrap } from '@nydus/rafs-format'
import { ChunkRecord } from '@nydus/rafs-format/layout'
import { describe, expect, test } from 'vitest'
import { exportBlock, veritySetupOptions } from '../../src/export/export-block.ts'
import { blobChunkReader } from '../blob-chunk-reader.ts'
import { type Fixture, fixtureOf, manifest, readOutput, type Stored } from '../fixture-store.ts'
import { goldenBlob } from '../golden-blobs.ts'
import { memoryDisk } from '../memory-disk.ts'

/** A recorded export. */
interface ExportRow {
  readonly source: Fixture
  readonly command: readonly string[]
  readonly disk: Stored
  readonly stdout?: string
}

type ExportFixture = Fixture & {
  readonly disk?: Stored
  readonly stdout?: string
  readonly exports?: readonly Omit<ExportRow, 'source'>[]
}

const rows: ExportRow[] = (manifest.fixtures as readonly ExportFixture[]).flatMap((fixture) => {
  const own =
    fixture.disk && fixture.source
      ? [{ ...fixture, source: fixtureOf(fixture.source), disk: fixture.disk }]
      : []
  const attached = (fixture.exports ?? [])
    .filter(({ disk }) => disk)
    .map((row) => ({ ...row, source: fixture }))
  return [...own, ...attached]
})

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe('disk images of the original', () => {
  test('are many', () => expect(rows.length).toBeGreaterThan(20))

  test.each(rows)('$source.id $stdout', async ({ source, command, disk: recorded, stdout }) => {
    const bootstrap = openBootstrap(readOutput(source, 'bootstrap'))
    const sink = memoryDisk()
    const verity = command.includes('--verity')
    const result = await exportBlock({
      bootstrap,
      reader: blobChunkReader(bootstrap, ({ blobId }) => ({ data: goldenBlob(blobId) })),
      sink,
      verity,
      verityFill: 'original',
    })
    expect(sink.bytes().length).toBe(recorded.size)
    expect(sha256(sink.bytes())).toBe(recorded.sha256)
    if (verity) expect(`${veritySetupOptions(result)}\n`).toBe(stdout)
  })
})

describe('damaged images', () => {
  const source = fixtureOf('mixed-tar-v6-none-sha256')
  const exportOf = (bootstrap: Uint8Array, damage: (blob: Uint8Array) => Uint8Array = (blob) => blob) => {
    const opened = openBootstrap(bootstrap)
    const reader = blobChunkReader(opened, ({ blobId }) => ({ data: damage(goldenBlob(blobId)) }))
    return exportBlock({ bootstrap, reader, sink: memoryDisk() })
  }

  test('a signal ends the export', async () => {
    const bootstrap = openBootstrap(readOutput(source, 'bootstrap'))
    const reader = blobChunkReader(bootstrap, ({ blobId }) => ({ data: goldenBlob(blobId) }))
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(exportBlock({ bootstrap, reader, sink: memoryDisk(), signal })).rejects.toThrow('enough')
  })

  test('chunks that overlap are refused', async () => {
    const bytes = Uint8Array.from(readOutput(source, 'bootstrap'))
    const table = openBootstrap(bytes)
    if (table.fsVersion !== 6) throw new Error('a v6 golden')
    // The second record of the chunk table moves behind the end of the blob.
    const at = table.superBlock.chunkTableOffset + 80 + ChunkRecord.offsets.uncompressedOffset
    new DataView(bytes.buffer).setBigUint64(at, 1n << 33n, true)
    await expect(exportOf(bytes)).rejects.toMatchObject({ code: 'ERR_FORMAT_CORRUPT' })
  })

  test('RAFS v5 is refused', async () => {
    const v5 = readOutput(fixtureOf('mixed-tar-v5-zstd-blake3'), 'bootstrap')
    await expect(exportOf(v5)).rejects.toMatchObject({ code: 'ERR_FORMAT_UNSUPPORTED_VERSION' })
  })

  test('a disk without a tree has no options of one', async () => {
    const result = await exportOf(readOutput(source, 'bootstrap'))
    expect(() => veritySetupOptions(result)).toThrow(RangeError)
  })
})
