// SPDX-License-Identifier: Apache-2.0
import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { guardOutput } from '../src/guard-output.ts'

/** A stream that fails each write, or keeps the text. */
function openStream(code?: string) {
  const texts: string[] = []
  const stream = new Writable({
    autoDestroy: false,
    write(piece, _encoding, done) {
      texts.push(String(piece))
      done(code === undefined ? null : Object.assign(new Error(`${code}: no`), { code }))
    },
  })
  return { stream, texts }
}

describe('guardOutput', () => {
  it.each([
    ['EPIPE', 0, 0, []],
    ['EPIPE', 1, 1, []],
    ['ENOSPC', 0, 5, ['nydus: the standard output cannot be written: ENOSPC: no\n']],
    ['ENOSPC', 3, 3, ['nydus: the standard output cannot be written: ENOSPC: no\n']],
  ])('%s and status %i end with %i', async (code, status, expected, lines) => {
    const stdout = openStream(code)
    const stderr = openStream()
    const guard = guardOutput('nydus', stdout.stream, stderr.stream)
    stdout.stream.write('result')
    expect(await guard.statusOf(status)).toBe(expected)
    expect(stderr.texts).toEqual(lines)
  })

  it('does not mind a standard error that cannot be written', async () => {
    const stderr = openStream('EIO')
    const guard = guardOutput('nydus', openStream().stream, stderr.stream)
    stderr.stream.write('note')
    expect(await guard.statusOf(0)).toBe(0)
  })
})
