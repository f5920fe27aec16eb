// SPDX-License-Identifier: Apache-2.0
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { LogLevel } from '../../src/commands/global-flags.ts'
import type { ConvertEvent } from '../../src/convert/convert-events.ts'
import { createConvertDisplay } from '../../src/render/convert-display.ts'
import { openLog } from '../../src/render/log.ts'

const layer = { digest: `sha256:${'1'.repeat(64)}`, size: 1000 } as const
const blobDigest = `sha256:${'2'.repeat(64)}` as const
const EVENTS: readonly ConvertEvent[] = [
  { type: 'resolved', reference: 'app:1', digest: layer.digest },
  { type: 'platform', platform: 'linux/amd64', layers: [layer] },
  { type: 'layer-started', layer },
  { type: 'layer-progress', layer, readBytes: 500, tarBytes: 2000, chunkCount: 2, blobBytes: 400 },
  { type: 'layer-built', layer, blobDigest, blobSize: 900, chunkCount: 4, dedupBytes: 0 },
  { type: 'layer-pushing', layer, pushedBytes: 450, blobSize: 900 },
  { type: 'note', message: 'push: busy; trying again in 5 s' },
  { type: 'layer-pushed', layer, blobDigest },
  { type: 'merged', platform: 'linux/amd64', bootstrapSize: 4096 },
  { type: 'pushed', reference: 'app:1-nydus', digest: blobDigest },
]

function show(level: LogLevel, isTTY: boolean, env: Record<string, string> = {}): string {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100, cursorTo: () => true })
  const log = openLog({ stream, level, file: undefined, env })
  const display = createConvertDisplay(log)
  for (const event of EVENTS) display.onEvent(event)
  display.close()
  return stream.read()?.toString() ?? ''
}

describe('createConvertDisplay', () => {
  it('leaves a terminal alone when there is nothing to show', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 100, cursorTo: () => true })
    createConvertDisplay(openLog({ stream, level: 'info', file: undefined, env: {} })).close()
    expect(stream.read()).toBeNull()
  })

  it('writes one plain line a step where there is no terminal', () => {
    expect(show('info', false)).toBe(
      [
        `source app:1 is ${layer.digest}`,
        'converting linux/amd64: 1 layers',
        'layer 111111111111: reading 1.00 kB',
        'layer 111111111111: built blob 222222222222, 900 B, 4 chunks',
        'push: busy; trying again in 5 s',
        'layer 111111111111: pushed blob 222222222222',
        'merged linux/amd64: bootstrap of 4.10 kB',
        'pushed app:1-nydus',
        '',
      ].join('\n'),
    )
  })

  it('writes details at level debug and only warnings at level warn', () => {
    expect(show('debug', false)).toContain('500 bytes read, 2000 of tar, 2 chunks, 400 written')
    expect(show('warn', false)).toBe('push: busy; trying again in 5 s\n')
  })

  it('colours warnings on a terminal unless NO_COLOR says no', () => {
    expect(show('warn', true)).toBe('\u001b[33mpush: busy; trying again in 5 s\u001b[0m\n')
    expect(show('warn', true, { NO_COLOR: '1' })).toBe('push: busy; trying again in 5 s\n')
  })

  it('draws a bar a layer on a terminal', () => {
    const screen = show('info', true)
    expect(screen).toContain('111111111111')
    expect(screen).toContain('pushed app:1-nydus')
    expect(screen).toContain('1.00 kB pushed')
  })
})
