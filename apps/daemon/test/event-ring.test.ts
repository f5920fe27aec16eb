// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createEventRing } from '../src/event-ring.ts'

describe('the ring of events', () => {
  it('starts empty, in the shape of the original', () => {
    expect(createEventRing().record()).toEqual({
      max_errors: 500,
      total_errors: 0,
      max_size: 51_200,
      total_size: 0,
      errors: [],
    })
  })

  it('forgets the oldest when there are too many, or too much', () => {
    const ring = createEventRing()
    for (let i = 0; i < 600; i++) ring.add(`error ${i}`)
    expect(ring.record()).toMatchObject({ total_errors: 500 })
    expect(ring.record().errors[0]).toBe('error 100')
    for (let i = 0; i < 600; i++) ring.add('x'.repeat(1000))
    const { total_size: size, total_errors: count, errors } = ring.record()
    expect(size).toBe(errors.reduce((sum, text) => sum + text.length, 0))
    expect([size <= 51_200, count]).toEqual([true, 51])
  })

  it('shows no credential', () => {
    const ring = createEventRing()
    ring.add('GET https://user:secret@host/x failed\nAuthorization: Bearer abc.def')
    expect(ring.record().errors.join()).not.toMatch(/secret|abc\.def|\n/)
  })
})
