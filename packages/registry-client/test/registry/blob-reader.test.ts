// SPDX-License-Identifier: Apache-2.0
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ImageStore, openImageStore } from '../../src/index.ts'
import { collect, failureOf, identityOf, patternBytes } from '../support/content.ts'
import { type MemoryRegistry, send, startMemoryRegistry } from '../support/memory-registry.ts'

const blob = patternBytes(300_000)
const identity = identityOf(blob)
const { digest, size } = identity
let registry: MemoryRegistry
let store: ImageStore
beforeEach(async () => {
  registry = await startMemoryRegistry()
  registry.blobs.set(digest, blob)
  store = openImageStore(`${registry.host}/a`, { plainHttp: true, retries: 2, deadlineMs: 5_000 })
})
afterEach(async () => {
  await store.close()
  await registry.close()
})

/** Answers blob requests in `answers`' order, the rest normally. */
function script(...answers: ((response: ServerResponse, range: string | undefined) => void)[]): void {
  registry.intercept = (request, response) => {
    if (!request.url?.includes('/blobs/')) return false
    const answer = answers.shift()
    answer?.(response, request.headers.range)
    return answer !== undefined
  }
}
const blobRequests = () => registry.requests.filter(({ path }) => path.includes('/blobs/'))

/** Sends the start of the body, then breaks the connection. */
function breakAfter(status: number, headers: Record<string, string>, bytes: Uint8Array, announced: number) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { 'content-length': announced, ...headers })
    response.write(bytes, () => response.destroy())
  }
}

describe('openBlob', () => {
  it('continues a broken stream where it broke, and verifies the whole', async () => {
    script(
      breakAfter(200, {}, blob.subarray(0, 100_000), size),
      breakAfter(
        206,
        { 'content-range': `bytes 100000-${size - 1}/${size}` },
        blob.subarray(100_000, 200_000),
        size - 100_000,
      ),
    )
    expect(Buffer.compare(await collect(store.openBlob(identity)), blob)).toBe(0)
    expect(blobRequests().map(({ headers }) => headers.range)).toEqual([
      undefined,
      'bytes=100000-',
      'bytes=200000-',
    ])
  })

  it('continues a body that was ended early on purpose, as some proxies do', async () => {
    script((response) => send(response, 200, {}, blob.subarray(0, 100_000)))
    expect(Buffer.compare(await collect(store.openBlob(identity)), blob)).toBe(0)
    expect(blobRequests().map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=100000-'])
  })

  it('throws at the end of content that is not what the digest says', async () => {
    const wrong = blob.slice()
    wrong[77] = (wrong[77] ?? 0) ^ 1
    script((response) => send(response, 200, {}, wrong))
    expect(await failureOf(collect(store.openBlob(identity)))).toMatchObject({ code: 'ERR_DIGEST_MISMATCH' })
    expect(blobRequests()).toHaveLength(1)
  })

  it('throws for a body that is too long', async () => {
    script((response) => send(response, 200, {}, Buffer.concat([blob, blob])))
    expect(await failureOf(collect(store.openBlob(identity)))).toMatchObject({ code: 'ERR_SIZE_MISMATCH' })
  })

  it('does not splice other content in when the registry ignores the range of a continuation', async () => {
    script(breakAfter(200, {}, blob.subarray(0, 100_000), size), (response) => send(response, 200, {}, blob))
    expect(await failureOf(collect(store.openBlob(identity)))).toMatchObject({
      code: 'ERR_REGISTRY_RANGE_UNSUPPORTED',
    })
  })

  it('starts at an offset', async () => {
    expect(
      Buffer.compare(await collect(store.openBlob(identity, { offset: 299_990 })), blob.subarray(299_990)),
    ).toBe(0)
    expect(await collect(store.openBlob(identity, { offset: size }))).toHaveLength(0)
    expect(() => store.openBlob(identity, { offset: size + 1 })).toThrow(RangeError)
  })

  it('closes the connection of a consumer that stops early', async () => {
    let closed: Promise<unknown> | undefined
    script((response) => {
      closed = new Promise((resolve) => response.on('close', resolve))
      response.writeHead(200, { 'content-length': size })
      response.write(blob.subarray(0, 1000))
    })
    for await (const bytes of store.openBlob(identity)) {
      expect(bytes.length).toBeGreaterThan(0)
      break
    }
    await closed
  })

  it('ends a stream that stands still, with a deadline', async () => {
    const impatient = openImageStore(`${registry.host}/a`, { plainHttp: true, retries: 0, deadlineMs: 50 })
    registry.intercept = (request, response) => {
      if (!request.url?.includes('/blobs/')) return false
      response.writeHead(200, { 'content-length': size })
      response.flushHeaders()
      return true
    }
    expect(await failureOf(collect(impatient.openBlob(identity)))).toMatchObject({
      code: 'ERR_REGISTRY_TIMEOUT',
    })
    await impatient.close()
  })

  it('stops in the middle when the signal fires', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const read = async (): Promise<void> => {
      for await (const _ of store.openBlob(identity, { signal: controller.signal })) controller.abort(reason)
    }
    script((response) => {
      response.writeHead(200, { 'content-length': size })
      response.write(blob.subarray(0, 1000))
    })
    await expect(read()).rejects.toBe(reason)
  })
})

describe('readBlobRange', () => {
  it.each([
    [0, 1],
    [0, size],
    [size - 1, 1],
    [4096, 8192],
  ])('reads exactly %i+%i', async (offset, length) => {
    const found = await store.readBlobRange(digest, { offset, length })
    expect(Buffer.compare(found, blob.subarray(offset, offset + length))).toBe(0)
    expect(blobRequests()[0]?.headers.range).toBe(`bytes=${offset}-${offset + length - 1}`)
  })

  it('asks nothing for an empty range', async () => {
    expect(await store.readBlobRange(digest, { offset: 5, length: 0 })).toHaveLength(0)
    expect(registry.requests).toEqual([])
  })

  it.each([
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [Number.MAX_SAFE_INTEGER, 2],
  ])('refuses the range %d+%d', async (offset, length) => {
    await expect(store.readBlobRange(digest, { offset, length })).rejects.toBeInstanceOf(RangeError)
  })

  it('tries again when the body breaks', async () => {
    script(breakAfter(206, { 'content-range': `bytes 0-99/${size}` }, blob.subarray(0, 50), 100))
    expect(await store.readBlobRange(digest, { offset: 0, length: 100 })).toEqual(blob.subarray(0, 100))
    expect(blobRequests()).toHaveLength(2)
  })

  it.each([
    ['another start', 206, `bytes 1-99/${size}`, 100],
    ['another end', 206, `bytes 0-98/${size}`, 100],
    ['no Content-Range', 206, undefined, 100],
    ['another unit', 206, 'pages 0-99/1', 100],
  ])('refuses an answer with %s', async (_, status, contentRange, length) => {
    const headers = contentRange === undefined ? {} : { 'content-range': contentRange }
    script((response) => send(response, status, headers, blob.subarray(0, length)))
    expect(await failureOf(store.readBlobRange(digest, { offset: 0, length: 100 }))).toMatchObject({
      code: 'ERR_REGISTRY_BAD_RESPONSE',
    })
    expect(blobRequests()).toHaveLength(1)
  })

  it('refuses more bytes than were asked for', async () => {
    script((response) =>
      send(response, 206, { 'content-range': `bytes 0-99/${size}` }, blob.subarray(0, 200)),
    )
    expect(await failureOf(store.readBlobRange(digest, { offset: 0, length: 100 }))).toMatchObject({
      code: 'ERR_REGISTRY_BAD_RESPONSE',
    })
  })

  it('takes a whole answer only for the whole blob', async () => {
    script(
      (response) => send(response, 200, {}, blob),
      (response) => send(response, 200, {}, blob),
    )
    expect(await store.readBlobRange(digest, { offset: 0, length: size })).toHaveLength(size)
    expect(await failureOf(store.readBlobRange(digest, { offset: 0, length: 100 }))).toMatchObject({
      code: 'ERR_REGISTRY_RANGE_UNSUPPORTED',
      hint: expect.stringContaining('range requests'),
    })
  })

  it('reports a range behind the end', async () => {
    expect(await failureOf(store.readBlobRange(digest, { offset: size, length: 1 }))).toMatchObject({
      code: 'ERR_REGISTRY_RANGE_UNSUPPORTED',
      status: 416,
    })
  })
})
