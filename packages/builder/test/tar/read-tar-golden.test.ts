// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { overlay } from '../../src/image/overlay.ts'
import { manifest, readStored, readTree } from '../fixture-store.ts'
import { listTree, parseListing, treeOfTar } from '../tree-listing.ts'

/** Trees whose recorded listing shows another reading of the tar than ours, and why. */
const OTHER_READING: Readonly<Record<string, string>> = {
  'quirk-innerdots': 'the recording reader keeps "." and empty components as directories',
  layer1: 'the recording reader makes no parent directory for a whiteout',
  'layer1-own': 'as layer1',
  'layer-hl':
    'the recording reader drops a hard link into a lower layer, we leave a placeholder for the merge',
  'quirk-missing-link': 'as layer-hl',
  'quirk-forward-link': 'the recording reader drops a hard link before its target, we resolve it',
}

/** Tars that we refuse. */
const REFUSED: Readonly<Record<string, string>> = {
  'quirk-dotdot': 'ERR_BUILD_PATH_ESCAPE',
  'quirk-dotdot-out': 'ERR_BUILD_PATH_ESCAPE',
  'quirk-link-to-dir': 'ERR_BUILD_UNSUPPORTED_ENTRY',
  'quirk-unknown-type': 'ERR_BUILD_UNSUPPORTED_ENTRY',
  'quirk-cut-data': 'ERR_BUILD_BAD_TAR',
  'quirk-cut-header': 'ERR_BUILD_BAD_TAR',
  'quirk-bad-sum': 'ERR_BUILD_BAD_TAR',
}

describe('readTar and createLayerTree give what an independent reader found', () => {
  const trees = manifest.trees.filter(({ name }) => !(name in OTHER_READING) && !(name in REFUSED))
  it.each(trees.map((tree) => [tree.name, tree] as const))('%s', async (_name, tree) => {
    if (tree.listing === undefined) throw new Error('no listing')
    const { root, digests } = await treeOfTar(readStored(tree.tar), { mtime: 'pax' })
    // The listings are of unpacked trees: whiteouts of the only layer are gone.
    expect(listTree({ root: overlay(undefined, root), digests })).toEqual(
      parseListing(readStored(tree.listing)),
    )
  })
})

describe('readTar and createLayerTree refuse', () => {
  it.each(Object.entries(REFUSED))('%s with %s', async (name, code) => {
    await expect(treeOfTar(readTree(name))).rejects.toMatchObject({ code })
  })
})

describe('overlay gives what unpacking the layers one by one gives', () => {
  it.each(manifest.layer_sets.map((set) => [set.name, set] as const))(
    '%s',
    async (_name, { trees, listing }) => {
      const layers = await Promise.all(trees.map((tree) => treeOfTar(readTree(tree), { mtime: 'pax' })))
      const digests = new Map(layers.flatMap((layer) => [...layer.digests]))
      let root = overlay(undefined, (layers[0] as (typeof layers)[0]).root)
      for (const layer of layers.slice(1)) root = overlay(root, layer.root)
      expect(listTree({ root, digests })).toEqual(parseListing(readStored(listing)))
    },
  )
})

describe('the mtime option', () => {
  it('reads whole seconds from the header by default, fractions and the whole range from PAX on request', async () => {
    const header = listTree(await treeOfTar(readTree('times')))
    const fromPax = listTree(await treeOfTar(readTree('times'), { mtime: 'pax' }))
    const timesOf = (rows: typeof header, path: string) => {
      const row = rows.find((candidate) => candidate.path === path)
      return [row?.mtime, row?.mtime_ns]
    }
    expect(timesOf(header, 't-frac')).toEqual([1_700_000_000, 0])
    expect(timesOf(header, 't-minus-frac')).toEqual([0, 0])
    expect(timesOf(fromPax, 't-minus-frac')[0]).toBe(-2)
    expect(timesOf(fromPax, 't-frac')[1]).not.toBe(0)
  })
})
