// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { sha256Digest, verifiedStream } from '../../src/digest/index.ts'

const PARTS = ['he', 'l', '', 'lo'].map((text) => Buffer.from(text))
const DIGEST = sha256Digest(Buffer.from('hello'))

interface Source extends AsyncIterable<Uint8Array> {
  closed: boolean
}

function source(parts: readonly Uint8Array[] = PARTS): Source {
  return {
    closed: false,
    async *[Symbol.asyncIterator]() {
      try {
        yield* parts
      } finally {
        this.closed = true
      }
    },
  }
}

async function read(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const bytes of stream) text += Buffer.from(bytes).toString()
  return text
}

describe('verifiedStream', () => {
  it('passes good content on', async () => {
    expect(await read(verifiedStream(source(), { digest: DIGEST, size: 5 }, 'layer'))).toBe('hello')
    expect(await read(verifiedStream(source(), { digest: DIGEST }, 'layer'))).toBe('hello')
    expect(
      await read(verifiedStream(source([]), { digest: sha256Digest(new Uint8Array(0)), size: 0 }, 'layer')),
    ).toBe('')
  })
  it('throws instead of ending when the digest differs', async () => {
    const stream = verifiedStream(source(), { digest: sha256Digest(Buffer.from('hellO')), size: 5 }, 'layer')
    await expect(read(stream)).rejects.toMatchObject({
      code: 'ERR_DIGEST_MISMATCH',
      message: expect.stringMatching(/^layer: /),
    })
  })
  it('throws at the end when bytes are missing', async () => {
    await expect(read(verifiedStream(source(), { digest: DIGEST, size: 6 }, 'layer'))).rejects.toMatchObject({
      code: 'ERR_SIZE_MISMATCH',
      details: { expected: 6, found: 5 },
    })
  })
  it('throws before it passes a byte too many on, and closes its source', async () => {
    const endless = source(Array.from({ length: 1000 }, () => Buffer.from('x')))
    let received = 0
    const consume = async (): Promise<void> => {
      for await (const bytes of verifiedStream(endless, { digest: DIGEST, size: 5 }, 'layer'))
        received += bytes.length
    }
    await expect(consume()).rejects.toMatchObject({ code: 'ERR_SIZE_MISMATCH' })
    expect(received).toBe(5)
    expect(endless.closed).toBe(true)
  })
  it('closes its source when the consumer stops', async () => {
    const given = source()
    for await (const _ of verifiedStream(given, { digest: DIGEST }, 'layer')) break
    expect(given.closed).toBe(true)
  })
})
