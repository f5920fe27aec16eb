// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { BlobOutput } from '../../src/blob/blob-output.ts'
import { memorySink, noise } from '../layer-bytes.ts'

/** Bytes of one write. */
const WRITE = 1 << 19
const sha256 = (...parts: readonly Uint8Array[]) =>
  createHash('sha256').update(Buffer.concat(parts)).digest('hex')
const open = (sink = memorySink()) => ({ sink, output: new BlobOutput(sink, new AbortController().signal) })

describe('BlobOutput', () => {
  it.each([0, 1, WRITE - 1, WRITE, WRITE + 1, 5 * WRITE + 3])(
    'collects %i bytes into large writes',
    async (size) => {
      const { sink, output } = open()
      const bytes = noise(size)
      for (let at = 0; at < size; at += 150_007) {
        output.put(bytes.subarray(at, at + 150_007))
        if (output.isFull) await output.flush()
      }
      const digests = await output.end()
      expect(digests).toEqual({ file: sha256(bytes), running: sha256(bytes) })
      expect(sink.bytes().equals(bytes)).toBe(true)
      expect([output.position, sink.writes]).toEqual([size, Math.ceil(size / WRITE)])
    },
  )

  it('leaves bytes out of the running digest only', async () => {
    const [before, left, after] = [noise(WRITE - 10), noise(3 * WRITE, 2), noise(77, 3)]
    const { sink, output } = open()
    output.put(before)
    expect(Buffer.from(output.digestSoFar()).toString('hex')).toBe(sha256(before))
    output.putUnhashed(left)
    output.put(after)
    expect(Buffer.from(output.digestSoFar()).toString('hex')).toBe(sha256(before, left, after))
    const digests = await output.end()
    expect(digests).toEqual({ file: sha256(before, left, after), running: sha256(before, after) })
    expect(sha256(sink.bytes())).toBe(digests.file)
  })

  it.each([true, false])('uses buffers again only where the sink gives them back: %s', async (givesBack) => {
    const written: Uint8Array[] = []
    const buffers = new Set<ArrayBufferLike>()
    const sink = {
      givesBack,
      write(bytes: Uint8Array) {
        buffers.add(bytes.buffer)
        written.push(new Uint8Array(bytes))
      },
    }
    const output = new BlobOutput(sink, new AbortController().signal)
    const bytes = noise(8 * WRITE)
    for (let at = 0; at < bytes.length; at += WRITE) {
      output.put(bytes.subarray(at, at + WRITE))
      await output.flush()
    }
    expect((await output.end()).file).toBe(sha256(bytes))
    expect(sha256(...written)).toBe(sha256(bytes))
    if (givesBack) expect(buffers.size).toBeLessThan(4)
    else expect(buffers.size).toBe(8)
  })

  it('copies what it is given, and gives its buffers away', async () => {
    const { sink, output } = open()
    const bytes = noise(2 * WRITE)
    output.put(bytes)
    bytes.fill(0)
    await output.end()
    expect(sink.bytes().equals(noise(2 * WRITE))).toBe(true)
  })

  it('writes nothing after an abort', async () => {
    const stop = new AbortController()
    let writes = 0
    const sink = {
      write() {
        writes += 1
        stop.abort(new Error('enough'))
      },
    }
    const output = new BlobOutput(sink, stop.signal)
    output.put(noise(3 * WRITE))
    await expect(output.flush()).rejects.toThrow('enough')
    expect(writes).toBe(1)
  })
})
