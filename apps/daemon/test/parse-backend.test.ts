// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseBackend } from '../src/parse-backend.ts'

describe('settings of a backend', () => {
  it('fills in defaults', () => {
    expect(parseBackend('localfs', { dir: '/blobs' })).toEqual({
      type: 'localfs',
      config: { dir: '/blobs', blob_file: '', alt_dirs: [] },
    })
    expect(parseBackend('registry', { host: 'h:5000', repo: 'app' }).config).toMatchObject({
      scheme: 'https',
    })
  })

  it.each([
    ['registry', { host: 'h:5000' }, 'repo'],
    ['registry', undefined, 'config'],
    ['floppy', {}, 'floppy'],
  ])('refuses %s with %j, and says where', (type, config, where) => {
    expect(() => parseBackend(type, config)).toThrow(where)
    expect(() => parseBackend(type, config)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })
})
