// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { TarEntry } from '../../src/tar/entry.ts'
import { type ReadTarOptions, readTar } from '../../src/tar/read-tar.ts'
import { displayPath } from '../../src/tree/byte-name.ts'
import { blocks, END, file, header, longName, pax, sealed, stream } from '../tar-bytes.ts'

interface Seen {
  readonly path: string
  readonly entry: TarEntry
  readonly content: string
}

async function read(
  parts: readonly Uint8Array[],
  options: ReadTarOptions = {},
  pieceSize?: number,
): Promise<Seen[]> {
  const seen: Seen[] = []
  for await (const entry of readTar(stream(parts, pieceSize), options)) {
    const pieces: Uint8Array[] = []
    for await (const piece of entry.content) pieces.push(piece)
    seen.push({ path: displayPath(entry.path), entry, content: Buffer.concat(pieces).toString('latin1') })
  }
  return seen
}

describe('readTar', () => {
  it('reads the same whatever the sizes of the pieces', async () => {
    const parts = [file('a', 'x'.repeat(1500)), header({ name: 'd/', type: '5' }), file('d/b', 'y'), END]
    const whole = await read(parts)
    expect(whole.map(({ path, content }) => [path, content.length])).toEqual([
      ['/a', 1500],
      ['/d', 0],
      ['/d/b', 1],
    ])
    for (const pieceSize of [1, 7, 511, 512, 513, 4096]) {
      expect((await read(parts, {}, pieceSize)).map(({ content }) => content)).toEqual(
        whole.map(({ content }) => content),
      )
    }
  })

  it('skips content that nobody consumes, wholly or in part', async () => {
    const parts = [file('a', 'x'.repeat(5000)), file('b', 'y'.repeat(700)), file('c', 'z'), END]
    const names: string[] = []
    for await (const entry of readTar(stream(parts, 100))) {
      names.push(displayPath(entry.path))
      if (names.length !== 2) continue
      for await (const piece of entry.content) {
        expect(piece.length).toBeGreaterThan(0)
        break
      }
    }
    expect(names).toEqual(['/a', '/b', '/c'])
  })

  it('refuses to read the content of an entry that is past', async () => {
    let first: TarEntry | undefined
    for await (const entry of readTar(stream([file('a', 'xyz'), file('b', 'z'), END]))) first ??= entry
    expect(() => first?.content[Symbol.asyncIterator]()).toThrow(TypeError)
  })

  it('closes its source when the caller stops early', async () => {
    let closed = false
    async function* source() {
      try {
        for (;;) yield file('a', 'x')
      } finally {
        closed = true
      }
    }
    for await (const entry of readTar(source())) {
      expect(entry.kind).toBe('file')
      break
    }
    expect(closed).toBe(true)
  })

  it('throws the reason of its signal', async () => {
    const controller = new AbortController()
    async function* source() {
      yield file('a', 'x')
      controller.abort(new Error('enough'))
      yield file('b', 'x')
    }
    const run = async () => {
      for await (const entry of readTar(source(), { signal: controller.signal })) expect(entry.size).toBe(1)
    }
    await expect(run()).rejects.toThrow('enough')
  })

  it('joins names: GNU long name before PAX path before ustar prefix', async () => {
    const parts = [
      file('base', '1', { prefix: 'dir/sub' }),
      pax({ path: 'from/pax' }),
      file('header', '2', { prefix: 'dir' }),
      longName(`long/${'n'.repeat(200)}`),
      pax({ path: 'from/pax' }),
      file('header', '3'),
      file('gnu', '4', { magic: 'ustar  \0', prefix: 'not a prefix' }),
      END,
    ]
    const paths = (await read(parts)).map(({ path }) => path)
    expect(paths).toEqual(['/dir/sub/base', '/from/pax', `/long/${'n'.repeat(200)}`, '/gnu'])
  })

  it('keeps names and targets as bytes', async () => {
    const parts = [pax({ path: '\xff\xfe/\x80', linkpath: '\x81' }), header({ type: '2' }), END]
    const [seen] = await read(parts)
    expect(seen?.entry.path.map((part) => [...part])).toEqual([[0xff, 0xfe], [0x80]])
    expect([...(seen?.entry.target ?? [])]).toEqual([0x81])
  })

  it('takes size, uid and gid from PAX before the header', async () => {
    const entry = Buffer.concat([header({ size: 3, uid: '0000007' }), blocks('abcdef')])
    const [seen] = await read([pax({ size: '6', uid: '4294967295', gid: '70000' }), entry, END])
    expect([seen?.content, seen?.entry.uid, seen?.entry.gid]).toEqual(['abcdef', 4294967295, 70000])
  })

  it('falls back to 0 for owners and times that are no numbers', async () => {
    const [seen] = await read([header({ uid: 'x', gid: '9', mtime: 'soon' }), END])
    expect([seen?.entry.uid, seen?.entry.gid, seen?.entry.mtime]).toEqual([0, 0, 0])
  })

  it('reads base-256 numbers, negative times too', async () => {
    const negative = new Uint8Array(12).fill(0xff)
    negative[11] = 0xfb
    const wide = Uint8Array.of(0x80, 0, 0, 1, 0, 0, 0, 5)
    const [seen] = await read([header({ mtime: negative, uid: wide }), END])
    expect([seen?.entry.mtime, seen?.entry.uid]).toEqual([-5, 5])
  })

  it('applies PAX global headers as defaults for later entries', async () => {
    const parts = [
      file('a', '1'),
      pax({ uid: '5', 'SCHILY.xattr.user.k': 'v', comment: 'c' }, 'g'),
      file('b', '2'),
      pax({ uid: '6' }),
      file('c', '3'),
      END,
    ]
    const seen = await read(parts)
    expect(seen.map(({ entry }) => [entry.uid, entry.xattrs.length])).toEqual([
      [0, 0],
      [5, 1],
      [6, 1],
    ])
  })

  it('sorts xattrs by name and keeps their bytes, newlines and all', async () => {
    const value = Uint8Array.of(1, 10, 0, 255, 10)
    const [seen] = await read([
      pax({
        'SCHILY.xattr.user.z': '',
        'SCHILY.xattr.security.capability': value,
        'SCHILY.xattr.user.a': 'x',
      }),
      header({}),
      END,
    ])
    const xattrs = seen?.entry.xattrs.map(({ name, value: bytes }) => [
      Buffer.from(name).toString(),
      [...bytes],
    ])
    expect(xattrs).toEqual([
      ['security.capability', [...value]],
      ['user.a', [0x78]],
      ['user.z', []],
    ])
  })

  it('reads old headers: no magic, type NUL, directories marked by a slash', async () => {
    const parts = [
      file('old', 'x', { type: '\0', magic: '' }),
      header({ name: 'dir/', type: '\0', magic: '' }),
      END,
    ]
    expect((await read(parts)).map(({ path, entry }) => [path, entry.kind])).toEqual([
      ['/old', 'file'],
      ['/dir', 'directory'],
    ])
  })

  it('ignores the size field of entries that have no content', async () => {
    const parts = [
      header({ name: 'd', type: '5', size: 4096 }),
      header({ name: 'l', type: '2', linkName: 'd', size: 9 }),
      file('f', 'x'),
      END,
    ]
    expect((await read(parts)).map(({ path, entry }) => [path, entry.size])).toEqual([
      ['/d', 0],
      ['/l', 0],
      ['/f', 1],
    ])
  })

  it('goes on behind zero blocks, and ignores what is no header behind the end mark', async () => {
    const parts = [
      file('a', '1'),
      new Uint8Array(512),
      file('b', '2'),
      END,
      file('c', '3'),
      END,
      Buffer.alloc(700, 'garbage'),
    ]
    expect((await read(parts)).map(({ path }) => path)).toEqual(['/a', '/b', '/c'])
  })

  it('accepts an archive without an end mark', async () => {
    expect(await read([file('a', '1')])).toHaveLength(1)
    expect(await read([])).toHaveLength(0)
  })

  it('accepts checksums of signed bytes', async () => {
    const block = header({ name: 'caf\xe9' })
    const sum = [...block].reduce(
      (total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte > 127 ? byte - 256 : byte),
      0,
    )
    const [seen] = await read([sealed(block, `${sum.toString(8).padStart(6, '0')}\0 `), END])
    expect(seen?.entry.kind).toBe('file')
  })
})
