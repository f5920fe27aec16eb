// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkLayers, checkManifest, checkSource, MAX_FILE_LINES } from '../check-layers.ts'

const base = { dependencies: { '@nydus/base': '0.1.0' } }
const problems = (workspace: string, text: string, manifest = base) =>
  checkSource(workspace, 'file.ts', text, manifest).map((finding) => finding.problem)

describe('checkSource', () => {
  it('accepts an allowed and declared arrow', () => {
    expect(problems('rafs-format', "import { u8 } from '@nydus/base/binary'\n")).toEqual([])
  })

  it('rejects an arrow sideways and upwards, in every form of import', () => {
    expect(problems('chunk-cache', "import { x } from '@nydus/registry-client'\n")[0]).toContain(
      'not allowed',
    )
    expect(problems('builder', "import {\n  a,\n  b,\n} from '@nydus/chunk-cache'\n")[0]).toContain(
      'not allowed',
    )
    expect(problems('checker', "export { x } from '@nydus/daemon'\n")[0]).toContain('not allowed')
    expect(problems('daemon', "const x = await import('@nydus/cli')\n")[0]).toContain('not allowed')
  })

  it('rejects deep imports and undeclared packages', () => {
    expect(problems('builder', "import { x } from '@nydus/base/src/binary'\n")[0]).toContain('deep import')
    expect(problems('builder', "import x from 'left-pad'\n")[0]).toContain('not declared')
  })

  it('rejects Node APIs where the code must run in a browser', () => {
    expect(problems('rafs-format', "import { readFileSync } from 'node:fs'\n")[0]).toContain('browser')
  })

  it('rejects god files', () => {
    expect(problems('builder', '\n'.repeat(MAX_FILE_LINES + 1))[0]).toContain('lines')
  })
})

describe('checkManifest', () => {
  it('rejects a declared arrow that the table lacks, and unknown workspaces', () => {
    const manifest = { dependencies: { '@nydus/builder': '0.1.0' } }
    expect(checkManifest('fuse-fs', 'package.json', manifest)).toHaveLength(1)
    expect(checkManifest('utils', 'package.json', {})).toHaveLength(1)
    expect(checkManifest('base', 'package.json', { exports: { '.': './x.js' } })).toHaveLength(1)
  })
})

describe('checkLayers', () => {
  it('finds the repository in order', () => {
    expect(checkLayers(join(import.meta.dirname, '../..'))).toEqual([])
  })
})
