// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkApiDocs, undocumentedExports } from '../check-api-docs.ts'

describe('undocumentedExports', () => {
  it('names declarations without a comment, and leaves re-exports alone', () => {
    const text =
      "export type { A } from './a.ts'\n/** Says it. */\nexport function b() {}\nexport interface C {}\n"
    expect(undocumentedExports(text)).toEqual(['C'])
  })
})

describe('checkApiDocs', () => {
  it('finds every export of the repository documented', () => {
    expect(checkApiDocs(join(import.meta.dirname, '../..'))).toEqual([])
  })
})
