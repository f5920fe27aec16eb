// SPDX-License-Identifier: Apache-2.0
/** Damaged bootstraps: merging, unpacking and counting end with a coded error or a result, never otherwise. */
import { isNydusError } from '@nydus/base/error'
import { openBootstrap } from '@nydus/rafs-format'
import { describe, expect, it } from 'vitest'
import { mergeLayers } from '../../src/image/merge.ts'
import { statImages } from '../../src/stat/stat-images.ts'
import { unpackImage } from '../../src/unpack/unpack-image.ts'
import { fixtureOf, readOutput } from '../fixture-store.ts'

/** Chunks of the claimed size, as long as that is no lie about gigabytes. */
const chunks = {
  readChunk: async (_blobIndex: number, { uncompressedSize }: { readonly uncompressedSize: number }) =>
    new Uint8Array(uncompressedSize),
  readStored: () => Promise.reject(new Error('not read')),
}
const LIMIT = 4 << 20

async function useImage(bootstrap: Uint8Array): Promise<void> {
  statImages({ base: [bootstrap] })
  mergeLayers([{ bootstrap, blobId: '1'.repeat(64) }])
  let size = 0
  const stop = new AbortController()
  const output = {
    write(bytes: Uint8Array) {
      size += bytes.length
      if (size > LIMIT) stop.abort()
    },
  }
  await unpackImage({ bootstrap: openBootstrap(bootstrap), chunks, output, signal: stop.signal })
}

async function outcomeOf(bootstrap: Uint8Array): Promise<'used' | 'refused'> {
  try {
    await useImage(bootstrap)
    return 'used'
  } catch (cause) {
    if (!isNydusError(cause)) throw cause
    return 'refused'
  }
}

describe.each(['tiny-tar-v6', 'tiny-tar-v5', 'types-tarfs'])('%s', (id) => {
  const intact = readOutput(fixtureOf(id), 'bootstrap')
  /** Bytes that are not zero, which are those that say something: some of them in big bootstraps. */
  const nonZero = [...intact.keys()].filter((i) => intact[i] !== 0)
  const telling = nonZero.filter((_, i) => i % Math.ceil(nonZero.length / 1000) === 0)

  it('is used as it is', async () => expect(await outcomeOf(intact)).toBe('used'))

  it.each([0x01, 0x80, 0xff])('with one byte changed by 0x%x each', async (mask) => {
    const outcomes = { used: 0, refused: 0 }
    for (const i of telling) {
      const damaged = new Uint8Array(intact)
      damaged[i] = (damaged[i] as number) ^ mask
      outcomes[await outcomeOf(damaged)] += 1
    }
    expect(outcomes.used + outcomes.refused).toBe(telling.length)
    expect(outcomes.refused).toBeGreaterThan(0)
  })

  it('cut anywhere', async () => {
    for (let size = 0; size < intact.length; size += 61)
      expect(await outcomeOf(intact.slice(0, size))).toBe('refused')
  })
})
