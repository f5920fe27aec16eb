// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { ImageArguments } from '../../src/nydus-image/command-spec.ts'
import { CHECK_COMMAND } from '../../src/nydus-image/commands/check-command.ts'
import { CREATE_COMMAND } from '../../src/nydus-image/commands/create-command.ts'
import { EXPORT_COMMAND } from '../../src/nydus-image/commands/export-command.ts'
import { MERGE_COMMAND } from '../../src/nydus-image/commands/merge-command.ts'
import { UNPACK_COMMAND } from '../../src/nydus-image/commands/unpack-command.ts'
import { parseArguments } from '../../src/nydus-image/parse-arguments.ts'

function create(...argv: readonly string[]): ImageArguments {
  const values = parseArguments(CREATE_COMMAND, argv)
  if (values === undefined) throw new Error('help was asked for')
  return values
}

describe('values', () => {
  it('takes long and short forms, with a space, with = and attached', () => {
    const values = create('-t', 'tar-rafs', '--fs-version=5', '-Bx.boot', '-b=x.blob', 'x.tar')
    expect(values.text('type')).toBe('tar-rafs')
    expect(values.text('fs-version')).toBe('5')
    expect(values.text('bootstrap')).toBe('x.boot')
    expect(values.text('blob')).toBe('x.blob')
    expect(values.operands).toEqual(['x.tar'])
  })

  it('fills in defaults, which do not count as given', () => {
    const values = create('-D', 'blobs', 'rootfs')
    expect(values.text('compressor')).toBe('zstd')
    expect(values.isGiven('compressor')).toBe(false)
    expect(values.text('log-level')).toBe('info')
    expect(values.text('chunk-dict')).toBeUndefined()
  })

  it('knows the older names of flags', () => {
    const values = create('--source-type', 'directory', '--inline-bootstrap', '--blob', 'x', 'rootfs')
    expect(values.text('type')).toBe('directory')
    expect(values.isGiven('blob-inline-meta')).toBe(true)
  })

  it('takes everything behind -- as operands', () => {
    expect(create('-D', 'blobs', '--', '-B=odd').operands).toEqual(['-B=odd'])
  })

  it('gives several operands where the command takes them', () => {
    expect(parseArguments(MERGE_COMMAND, ['-B', 'x', 'a', 'b'])?.operands).toEqual(['a', 'b'])
  })

  it('asks for help before anything is missing', () => {
    expect(parseArguments(CREATE_COMMAND, ['-h'])).toBeUndefined()
    expect(parseArguments(CREATE_COMMAND, ['x', '--help'])).toBeUndefined()
  })
})

describe('usage errors', () => {
  it.each([
    [
      [],
      'required arguments were not provided: --bootstrap <bootstrap>, --blob <blob>, --external-blob <external-blob>, <SOURCE>',
    ],
    [['-t', 'tar-rafs', '-b', 'x', 'y'], 'required arguments were not provided: --bootstrap <bootstrap>'],
    [
      ['-t', 'zip-rafs', '-D', 'x', 'y'],
      "invalid value 'zip-rafs' for '--type <type>' [possible values: directory,",
    ],
    [
      ['-D', 'x', '-v', '7', 'y'],
      "invalid value '7' for '--fs-version <fs-version>' [possible values: 5, 6]",
    ],
    [['--frobnicate', 'y'], "unexpected argument '--frobnicate' found"],
    [['-D', 'x', 'y', 'z'], "unexpected argument 'z' found"],
    [['-D', 'x', '-D', 'y', 'z'], "the argument '--blob-dir <blob-dir>' cannot be used multiple times"],
    [['y', '--blob'], "a value is required for '--blob <blob>' but none was supplied"],
    [
      ['--blob-inline-meta', '-B', 'x', '-b', 'y', 'z'],
      "the argument '--bootstrap <bootstrap>' cannot be used with '--blob-inline-meta'",
    ],
    [['-t', 'stargz_index', '-B', 'x', 'y'], 'required arguments were not provided: --blob-id <blob-id>'],
  ])('create %j', (argv, message) => {
    expect(() => create(...argv)).toThrow(message)
  })

  it('names operands that are missing or given twice', () => {
    expect(() => parseArguments(CHECK_COMMAND, [])).toThrow('not provided: <BOOTSTRAP>')
    expect(() => parseArguments(CHECK_COMMAND, ['-B', 'a', 'b'])).toThrow(
      "'--bootstrap <bootstrap>' cannot be used with '<BOOTSTRAP>'",
    )
    expect(() => parseArguments(MERGE_COMMAND, ['-B', 'a'])).toThrow('not provided: <SOURCE>...')
  })

  it('knows which flags need others', () => {
    expect(() => parseArguments(EXPORT_COMMAND, ['-B', 'a', '-D', 'b'])).toThrow('not provided: --block')
    expect(() => parseArguments(EXPORT_COMMAND, ['--block', '-B', 'a'])).toThrow(
      'not provided: --localfs-dir <localfs-dir>, --output <output>',
    )
    expect(() => parseArguments(UNPACK_COMMAND, ['a', '-b', 'b', '-D', 'c', '--output', 'd'])).toThrow(
      "'--blob <blob>' cannot be used with '--blob-dir <blob-dir>'",
    )
  })
})
