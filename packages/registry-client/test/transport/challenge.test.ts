// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { chooseChallenge, parseChallenges } from '../../src/transport/challenge.ts'

describe('parseChallenges', () => {
  it('reads Bearer parameters, quoted or not, in any case', () => {
    const [challenge] = parseChallenges(
      'BEARER Realm="https://a/t?x=1,2",service=reg , Scope="repository:a:pull,push"',
    )
    expect(challenge).toEqual({
      scheme: 'bearer',
      parameters: { realm: 'https://a/t?x=1,2', service: 'reg', scope: 'repository:a:pull,push' },
    })
  })

  it('separates challenges that share a header', () => {
    expect(parseChallenges('Negotiate, Basic realm="a \\"b\\"", Bearer realm="https://t"')).toEqual([
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'a "b"' } },
      { scheme: 'bearer', parameters: { realm: 'https://t' } },
    ])
  })

  it.each(['', ',,,', '"', 'Bearer realm="unfinished', 'Bearer realm=', '=x', '\u0000\u0001'])(
    'survives %j',
    (value) => {
      for (const { parameters } of parseChallenges(value)) expect(parameters).toEqual({})
    },
  )
})

describe('chooseChallenge', () => {
  it('prefers Bearer, and ignores what it cannot answer', () => {
    expect(chooseChallenge('Basic realm="x", Bearer realm="https://t"')?.scheme).toBe('bearer')
    expect(chooseChallenge('Bearer service="no realm", Basic realm="x"')?.scheme).toBe('basic')
    expect(chooseChallenge('Digest realm="x"')).toBeUndefined()
    expect(chooseChallenge(undefined)).toBeUndefined()
  })
})
