// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { backendInfo, type DaemonInfo } from '../../src/api/daemon-info.ts'
import { type ApiPorts, answer } from '../../src/api/routes.ts'
import { VERSION } from '../../src/version.ts'
import { type Exchange, recorded } from '../recorded-api.ts'

const info: DaemonInfo = {
  version: VERSION,
  id: null,
  supervisor: null,
  state: 'RUNNING',
  backend_collection: { '/': backendInfo({}, new Date('2026-01-02T03:04:05.678Z')) },
}
const levels: string[] = []
const ports: ApiPorts = { info: () => info, setLogLevel: (level) => levels.push(level) }

/** What of the recording is about routes that exist here, or nowhere. */
function isOurs({ request, response }: Exchange): boolean {
  if (request === undefined || response === undefined || request.method === 'OPTIONS') return false
  const path = request.path.replace(/[?#].*/, '').replace(/^http:\/\/unix/, '')
  if (JSON.stringify(response.body)?.includes('NoCounter')) return false
  // `off` is a level that this log does not have.
  if (JSON.stringify(request.body)?.includes('off')) return false
  return path === '/api/v1/daemon' || response.status === 404 || !path.startsWith('/')
}

describe('the recorded requests', () => {
  const exchanges = [...recorded('routes-and-methods'), ...recorded('dedicated-running')].filter(isOurs)

  it.each(exchanges.map(({ request, response }) => ({ request, response })))(
    '$request get the recorded answer',
    ({ request, response }) => {
      if (request === undefined || response === undefined) throw new Error('no exchange')
      const body = typeof request.body === 'string' ? request.body : JSON.stringify(request.body)
      const reply = answer({ method: request.method, target: request.path, body: body ?? '' }, ports)
      expect(reply.status).toBe(response.status)
      if (response.status === 200) {
        expect(shapeOf(reply.body, 1)).toEqual(shapeOf(response.body, 1))
      } else if (response.status !== 204) {
        const message = (response.body as { message?: string } | undefined)?.message ?? ''
        // Serde's words for what is wrong with a body are not ours.
        expect(reply.body).toEqual({
          code: 'UNDEFINED',
          message: message.startsWith('ParseBody') ? expect.stringContaining('ParseBody') : message,
        })
      }
    },
  )
})

/** Names of members, some levels deep, in order. */
function shapeOf(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.entries(value).map(([name, member]) => [
    name,
    depth > 0 ? shapeOf(member, depth - 1) : undefined,
  ])
}

describe('GET /api/v1/daemon', () => {
  it('tells the time of the mount as the original does', () => {
    expect(answer({ method: 'GET', target: '/api/v1/daemon', body: '' }, ports).body).toMatchObject({
      backend_collection: {
        '/': { backend_type: 'Rafs', mountpoint: '/', mounted_time: '2026-01-02 03:04:05.678 +00:00:00' },
      },
    })
  })
})

describe('PUT /api/v1/daemon', () => {
  it('changes the log level', () => {
    levels.length = 0
    expect(answer({ method: 'PUT', target: '/api/v1/daemon', body: '{"log_level":"DEBUG"}' }, ports)).toEqual(
      { status: 204 },
    )
    expect(levels).toEqual(['debug'])
  })
})
