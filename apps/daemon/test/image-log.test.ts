// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createEventRing } from '../src/event-ring.ts'
import { createImageLog } from '../src/image-log.ts'
import { createLogger } from '../src/log.ts'
import type { ImageEvent } from '../src/mount-image.ts'

function logged(...events: readonly ImageEvent[]) {
  const lines: string[] = []
  const ring = createEventRing()
  const log = createImageLog(
    createLogger('info', (line) => lines.push(line.replace(/^\[.*?\] /, '').trimEnd())),
    ring,
  )
  for (const event of events) log('/a', event)
  return { lines, errors: ring.record().errors }
}

const fetch = { kind: 'fetch', blobId: 'b', offset: 0, reason: 'read' } as const

describe('the log of an image', () => {
  it.each([
    [100, 251, true],
    [100, 250, false],
    [5 << 20, 999, false],
    [5 << 20, 1001, true],
  ])('warns of %d bytes in %d ms: %s', (length, ms, isSlow) => {
    const { lines, errors } = logged({ ...fetch, length, ms })
    expect(lines.some((line) => line.startsWith('WARN slow backend: fetched'))).toBe(isSlow)
    expect(errors).toEqual([])
  })

  it('records failures for the API', () => {
    const { lines, errors } = logged(
      { kind: 'failure', operation: 'READ', nid: 7, errno: 5, message: 'blob b is damaged' },
      { kind: 'full', blobId: 'b', message: 'cache is full' },
    )
    expect(errors).toEqual(['READ of inode 7 failed: blob b is damaged', 'cache is full'])
    expect(lines[0]).toBe('ERROR READ of inode 7 failed: blob b is damaged')
  })

  it('is loud when it falls back', () => {
    expect(logged({ kind: 'plane', plane: 'fuse', reason: 'not root' }).lines).toEqual([
      'WARN /a: the erofs data plane cannot be used, FUSE serves the files: not root',
    ])
  })
})
