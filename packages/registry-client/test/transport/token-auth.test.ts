// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createHttpClient } from '../../src/transport/http.ts'
import { fetchToken } from '../../src/transport/token-auth.ts'
import { failureOf } from '../support/content.ts'
import { send, startMemoryRegistry } from '../support/memory-registry.ts'

const asked = { registry: 'r.io', service: undefined, scopes: ['repository:a:pull'], credentials: undefined }

describe('fetchToken', () => {
  it.each(['http://auth.io/token', 'file:///etc/passwd', 'token', ''])(
    'does not ask %j for an https registry',
    async (realm) => {
      const http = createHttpClient({ deadlineMs: 5_000, userAgent: 'x', insecure: false })
      expect(await failureOf(fetchToken(http, { ...asked, realm, plainHttpAllowed: false }))).toMatchObject({
        code: 'ERR_REGISTRY_BAD_RESPONSE',
        message: expect.stringContaining('not https'),
      })
      await http.close()
    },
  )

  it.each([
    ['{"token":"t","expires_in":100}', 90_000],
    ['{"token":"t"}', 54_000],
    ['{"token":"t","expires_in":-5}', 54_000],
    ['{"token":"t","expires_in":1e12}', 77_760_000],
  ])('uses %s for nine tenths of its life', async (answer, lifeMs) => {
    const server = await startMemoryRegistry()
    server.intercept = (_, response) => send(response, 200, {}, answer)
    const http = createHttpClient({ deadlineMs: 5_000, userAgent: 'x', insecure: false })
    const before = Date.now()
    const { token, expiresAt } = await fetchToken(http, {
      ...asked,
      realm: `${server.url}/token`,
      plainHttpAllowed: true,
    })
    expect(token).toBe('t')
    expect(expiresAt).toBeGreaterThanOrEqual(before + lifeMs)
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + lifeMs)
    expect(server.requests[0]?.path).toBe('/token?scope=repository%3Aa%3Apull')
    await http.close()
    await server.close()
  })
})
