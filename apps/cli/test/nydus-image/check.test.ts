// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openGoldens, type Stored } from '@nydus/testkit'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.ts'
import { runCommand } from './run-recorded.ts'

const goldens = openGoldens()

interface RecordedCheck {
  readonly stdout: Stored | string
}

/** The bootstrap of a fixture as a file. */
function bootstrapFile(id: string, name = 'bootstrap'): string {
  const path = join(temporaryDirectory(), name)
  writeFileSync(path, goldens.output(goldens.fixture(id), 'bootstrap'))
  return path
}

describe('check', () => {
  it.each([
    ['tiny-tar-v5'],
    ['tiny-tar-v6'],
    ['mixed-tar-v5-zstd-blake3'],
    ['mixed-tar-v6-zstd-blake3-0x1000'],
    ['mixed-v6-batch-0x10000'],
    ['types-tar-v5'],
    ['types-tar-v6'],
    ['names-tar-v6'],
    ['xattrs-tar-v6'],
    ['layers-merge-v6-layers'],
    ['mixed-zran-l6'],
  ])('prints what the original printed of %s', async (id) => {
    const { stdout: recorded } = goldens.fixture(id).check as RecordedCheck
    const expected = typeof recorded === 'string' ? recorded : Buffer.from(goldens.read(recorded)).toString()
    const { status, stdout } = await runCommand(['nydus-image', 'check', '-v', bootstrapFile(id)])
    expect(status).toBe(0)
    // A chunk that several files share: the original shows its offset in one of them, here it is that in the file above.
    const lines = (text: string) => text.replace(/ file_offset [0-9]+,/g, '').split('\n')
    expect(lines(stdout)).toEqual(lines(expected))
  })

  it('writes its result on one line', async () => {
    const path = bootstrapFile('tiny-tar-v6')
    const { status } = await runCommand(['nydus-image', 'check', '-B', path, '-J', `${path}.json`])
    const text = readFileSync(`${path}.json`, 'utf8')
    expect(status).toBe(0)
    expect(text).not.toContain('\n')
    expect(JSON.parse(text)).toMatchObject({
      bootstrap: path,
      blobs: goldens.fixture('tiny-tar-v6').blob_ids,
      external_bootstrap: '',
      trace: { consumed_time: {}, registered_events: {} },
      fs_version: '6',
      compressor: 'zstd',
    })
  })

  it('finds the bootstrap in a layer blob, whose blob goes by the name of the file', async () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'lay'))
    const path = join(directory, 'lay', 'abc.blob')
    writeFileSync(path, goldens.output(goldens.fixture('mixed-v6-inline-toc'), 'blob'))
    const { status, stdout } = await runCommand(['nydus-image', 'check', '-D', join(directory, 'lay'), path])
    expect(status).toBe(0)
    expect(stdout).toBe(
      'RAFS filesystem metadata is valid, referenced data blobs: \n\t 0: abc, compressed size 33107, uncompressed size 7733248, chunk size: 1048576, chunk count: 22, features: aligned cap_toc chunk-digest fs-meta tar-header toc\n',
    )
  })

  it('refuses a damaged bootstrap, with its findings on one line', async () => {
    const path = bootstrapFile('tiny-tar-v6')
    const bytes = readFileSync(path)
    bytes.fill(0xff, 4096, 4096 + 32)
    writeFileSync(path, bytes)
    const { status, stdout, stderr } = await runCommand(['nydus-image', 'check', path])
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr.split('\n')[0]).toMatch(/^Error: .*bad id.* \(ERR_FORMAT_[A-Z_]+\)$/)
  })

  it.each([
    ['', 'ERR_FORMAT_'],
    ['no bootstrap', 'ERR_FORMAT_'],
  ])('refuses a file with %j', async (content, code) => {
    const path = join(temporaryDirectory(), 'file')
    writeFileSync(path, content)
    const { status, stderr } = await runCommand(['nydus-image', 'check', path])
    expect(status).toBe(1)
    expect(stderr).toContain(code)
  })
})
