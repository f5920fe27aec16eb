// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBackend } from '../src/backends.ts'
import { createLiveSettings } from '../src/live-settings.ts'
import { parseBackend } from '../src/parse-backend.ts'

const BLOB_ID = 'ab'.repeat(32)
const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Lets one user in at a time. */
async function registry(allowed: { auth: string }): Promise<string> {
  const server = createServer((request, response) => {
    if (request.headers.authorization === `Basic ${allowed.auth}`)
      response.writeHead(206, { 'Content-Range': 'bytes 0-3/100', 'Content-Length': 4 }).end('data')
    else response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="r"' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('credentials', () => {
  it('are replaced while the image is mounted', async () => {
    const allowed = { auth: base64('user:old') }
    const host = await registry(allowed)
    const config = { scheme: 'http', host, repo: 'a/b', auth: base64('user:old') }
    const settings = createLiveSettings()
    const backend = openBackend(parseBackend('registry', config), () => settings.get('/a').registry_auth)
    onTestFinished(() => backend.close())
    const source = backend.sourceOf({ blobId: BLOB_ID })
    const read = () => source.read({ offset: 0, length: 4 }, {})
    expect(Buffer.from(await read()).toString()).toBe('data')
    allowed.auth = base64('user:new')
    await expect(read()).rejects.toMatchObject({ code: 'ERR_REGISTRY_UNAUTHORIZED' })
    settings.update('/a', { registry_auth: base64('user:new') })
    expect(Buffer.from(await read()).toString()).toBe('data')
  })
})
