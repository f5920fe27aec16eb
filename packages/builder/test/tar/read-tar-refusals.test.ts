// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { type ReadTarOptions, readTar } from '../../src/tar/read-tar.ts'
import { END, file, header, longName, pax, stream } from '../tar-bytes.ts'

/** What reading `parts` to the end throws. */
async function failure(parts: readonly Uint8Array[], options: ReadTarOptions = {}): Promise<unknown> {
  try {
    for await (const { content } of readTar(stream(parts), options)) {
      for await (const piece of content) expect(piece.length).toBeGreaterThan(0)
    }
    return 'no error'
  } catch (error) {
    return error
  }
}

const code = (error: unknown) => (error as { code?: string }).code ?? String(error)
const offsetOf = (error: unknown) => (error as { details?: { offset?: number } }).details?.offset

describe('readTar refuses', () => {
  const tooLong = 'n'.repeat(256)
  it.each<[string, readonly Uint8Array[], string, number]>([
    ['a wrong checksum', [file('a', '1'), header({ checksum: '0000001' })], 'ERR_BUILD_BAD_TAR', 1024],
    ['a checksum that is no number', [header({ checksum: 'zzzzzzzz' })], 'ERR_BUILD_BAD_TAR', 0],
    ['a header cut short', [file('a', '1'), header({}).subarray(0, 100)], 'ERR_BUILD_BAD_TAR', 1024],
    ['a zero block cut short', [file('a', '1'), new Uint8Array(100)], 'ERR_BUILD_BAD_TAR', 1024],
    ['content cut short', [header({ size: 2000 }), new Uint8Array(600)], 'ERR_BUILD_BAD_TAR', 1112],
    ['missing padding', [header({ size: 10 }), new Uint8Array(10)], 'ERR_BUILD_BAD_TAR', 522],
    ['a PAX header cut short', [pax({ path: 'x' }).subarray(0, 515)], 'ERR_BUILD_BAD_TAR', 512],
    ['a PAX header without its entry', [pax({ path: 'x' })], 'ERR_BUILD_BAD_TAR', 1024],
    ['two PAX headers for one entry', [pax({ path: 'x' }), pax({ path: 'y' })], 'ERR_BUILD_BAD_TAR', 1024],
    ['two GNU long names for one entry', [longName('x'), longName('y')], 'ERR_BUILD_BAD_TAR', 1024],
    ['two GNU long links for one entry', [longName('x', 'K'), longName('y', 'K')], 'ERR_BUILD_BAD_TAR', 1024],
    ['a size that is no number', [header({ size: 'huge' })], 'ERR_BUILD_BAD_TAR', 0],
    ['a negative size', [header({ size: new Uint8Array(12).fill(0xff) })], 'ERR_BUILD_BAD_TAR', 0],
    [
      'a size beyond 2^53',
      [header({ size: Uint8Array.of(0x80, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0) })],
      'ERR_BUILD_BAD_TAR',
      0,
    ],
    [
      'a size beyond the limit',
      [header({ size: Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0) })],
      'ERR_BUILD_TOO_LARGE',
      0,
    ],
    ['a PAX size beyond 2^53', [pax({ size: '9007199254740993' }), header({})], 'ERR_BUILD_BAD_TAR', 1024],
    [
      'a PAX size beyond the limit',
      [pax({ size: '17592186044417' }), header({})],
      'ERR_BUILD_TOO_LARGE',
      1024,
    ],
    ['a PAX size with a sign', [pax({ size: '-1' }), header({})], 'ERR_BUILD_BAD_TAR', 1024],
    [
      'a PAX uid beyond 32 bits',
      [pax({ uid: '4294967296' }), header({})],
      'ERR_BUILD_UNSUPPORTED_ENTRY',
      1024,
    ],
    ['a mode that is no number', [header({ mode: 'rwxr-xr-' })], 'ERR_BUILD_BAD_TAR', 0],
    ['a PAX header above 1 MiB', [header({ type: 'x', size: 1024 * 1024 + 1 })], 'ERR_BUILD_TOO_LARGE', 0],
    ['a GNU long name above 1 MiB', [header({ type: 'L', size: 1024 * 1024 + 1 })], 'ERR_BUILD_TOO_LARGE', 0],
    ['a path above the limit', [pax({ path: 'n/'.repeat(9000) }), header({})], 'ERR_BUILD_TOO_LARGE', 18_944],
    ['a name above 255 bytes', [pax({ path: `d/${tooLong}/f` }), header({})], 'ERR_BUILD_TOO_LARGE', 1024],
    ['a NUL byte in a PAX path', [pax({ path: 'a\0b' }), header({})], 'ERR_BUILD_BAD_TAR', 1024],
    ['.. in a path', [header({ name: 'a/../b' })], 'ERR_BUILD_PATH_ESCAPE', 0],
    ['.. in a GNU long name', [longName('../b'), header({})], 'ERR_BUILD_PATH_ESCAPE', 1024],
    ['a symlink without a target', [header({ type: '2' })], 'ERR_BUILD_BAD_TAR', 0],
    ['a hard link without a target', [header({ type: '1' })], 'ERR_BUILD_BAD_TAR', 0],
    ['a NUL byte in a target', [pax({ linkpath: 'a\0b' }), header({ type: '2' })], 'ERR_BUILD_BAD_TAR', 1024],
    [
      'a symlink target above 4095 bytes',
      [pax({ linkpath: 't'.repeat(4096) }), header({ type: '2' })],
      'ERR_BUILD_TOO_LARGE',
      5120,
    ],
    [
      'device numbers that are no numbers',
      [header({ type: '3', deviceMajor: 'one' })],
      'ERR_BUILD_BAD_TAR',
      0,
    ],
    ['an unknown type', [header({ type: 'Z' })], 'ERR_BUILD_UNSUPPORTED_ENTRY', 0],
    ['a multi-volume archive', [header({ type: 'M' })], 'ERR_BUILD_UNSUPPORTED_ENTRY', 0],
    ['a path for all entries', [pax({ path: 'x' }, 'g')], 'ERR_BUILD_UNSUPPORTED_ENTRY', 0],
    [
      'an xattr outside the namespaces',
      [pax({ 'SCHILY.xattr.system.nfs4_acl': 'x' }), header({})],
      'ERR_BUILD_UNSUPPORTED_ENTRY',
      1024,
    ],
    [
      'an xattr with only a prefix',
      [pax({ 'SCHILY.xattr.user.': 'x' }), header({})],
      'ERR_BUILD_UNSUPPORTED_ENTRY',
      1024,
    ],
    [
      'an xattr name above 255 bytes',
      [pax({ [`SCHILY.xattr.user.${tooLong}`]: 'x' }), header({})],
      'ERR_BUILD_TOO_LARGE',
      1024,
    ],
    [
      'an xattr value above 65535 bytes',
      [pax({ 'SCHILY.xattr.user.k': 'v'.repeat(65_536) }), header({})],
      'ERR_BUILD_TOO_LARGE',
      66_560,
    ],
  ])('%s', async (_what, parts, expected, offset) => {
    const error = await failure(parts)
    expect(code(error)).toBe(expected)
    expect(offsetOf(error)).toBe(offset)
  })

  it('xattrs that are too long together', async () => {
    const records = Object.fromEntries(
      ['a', 'b', 'c', 'd', 'e'].map((key) => [`SCHILY.xattr.user.${key}`, 'v'.repeat(60_000)]),
    )
    expect(code(await failure([pax(records), header({}), END]))).toBe('ERR_BUILD_TOO_LARGE')
  })

  it('PAX global headers that are too large together', async () => {
    const globals = ['a', 'b', 'c'].map((key) => pax({ [`SCHILY.xattr.user.${key}`]: 'v'.repeat(400) }, 'g'))
    const limits = { headerBytes: 1000 }
    expect(code(await failure([...globals.slice(1), file('f', '1'), END], { limits }))).toBe('no error')
    expect(code(await failure([...globals, file('f', '1'), END], { limits }))).toBe('ERR_BUILD_TOO_LARGE')
  })

  it('claims above the limits that the caller sets', async () => {
    expect(code(await failure([file('a', 'xy'), END], { limits: { fileBytes: 1 } }))).toBe(
      'ERR_BUILD_TOO_LARGE',
    )
  })

  it('a PAX time that is no time, when asked for PAX times', async () => {
    expect(code(await failure([pax({ mtime: '1e9' }), header({}), END], { mtime: 'pax' }))).toBe(
      'ERR_BUILD_BAD_TAR',
    )
  })

  it('a tar cut at any byte, or gives the entries before the cut', async () => {
    const whole = Buffer.concat([
      pax({ path: 'p', 'SCHILY.xattr.user.k': 'v' }),
      file('a', 'x'.repeat(600)),
      longName('l'),
      file('b', 'y'),
      END,
    ])
    const outcomes = new Set<string>()
    for (let cut = 0; cut < whole.length; cut += 3) {
      const error = await failure([whole.subarray(0, cut)])
      outcomes.add(code(error))
      expect(['no error', 'ERR_BUILD_BAD_TAR'], `cut at ${cut}`).toContain(code(error))
    }
    expect(outcomes.size).toBe(2)
  })
})
