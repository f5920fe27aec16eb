// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { VerityBuilder, type VerityFill } from '../../src/export/verity-tree.ts'

const PAGE = 4096
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

/** Level by level in memory, the plain way. */
function referenceTree(digests: readonly Uint8Array[], fill: VerityFill): { pages: Buffer; root: Buffer } {
  const filler = fill === 'zeros' ? Buffer.alloc(32) : sha256(new Uint8Array(PAGE))
  let level: readonly Uint8Array[] = digests
  let pages = Buffer.alloc(0)
  while (level.length > 1) {
    const above: Buffer[] = []
    const written: Buffer[] = []
    for (let at = 0; at < level.length; at += 128) {
      const members = level.slice(at, at + 128)
      const page = Buffer.concat([...members, ...Array.from({ length: 128 - members.length }, () => filler)])
      written.push(page)
      above.push(sha256(page))
    }
    pages = Buffer.concat([...written, pages])
    level = above
  }
  return { pages, root: Buffer.from(level[0] ?? []) }
}

async function buildTree(digests: readonly Uint8Array[], fill: VerityFill) {
  const offset = 3 * PAGE
  const content = Buffer.alloc(4 << 20)
  let end = 0
  const builder = new VerityBuilder(digests.length, offset, fill, async (page, position) => {
    content.set(page, position)
    end = Math.max(end, position + page.length)
  })
  for (const digest of digests) await builder.add(digest)
  const tree = await builder.finish()
  return { tree, pages: content.subarray(offset, Math.max(end, offset)) }
}

describe('VerityBuilder', () => {
  const cases = [1, 2, 127, 128, 129, 128 * 128, 128 * 128 + 1].flatMap((blocks) =>
    (['zeros', 'original'] as const).map((fill) => [blocks, fill] as const),
  )
  test.each(cases)('%d blocks, filled with %s: the tree that level by level gives', async (blocks, fill) => {
    const digests = Array.from({ length: blocks }, (_, i) => sha256(Buffer.from(`${i}`)))
    const { tree, pages } = await buildTree(digests, fill)
    const expected = referenceTree(digests, fill)
    expect(tree.rootDigest).toBe(expected.root.toString('hex'))
    expect(pages.equals(expected.pages)).toBe(true)
    expect(tree).toMatchObject({ hashOffset: 3 * PAGE, size: expected.pages.length, dataBlocks: blocks })
  })
})
