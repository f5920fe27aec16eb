// SPDX-License-Identifier: Apache-2.0
import { FOP_NAMES } from '@nydus/fuse-fs'
import { describe, expect, it } from 'vitest'
import { createFileAccounting } from '../src/file-accounting.ts'

const READ = FOP_NAMES.indexOf('read')
const LOOKUP = FOP_NAMES.indexOf('lookup')
const ALL = { files: true, pattern: true, latest: true }

function accounting(kinds = ALL) {
  const made = createFileAccounting(kinds)
  if (made === undefined) throw new Error('nothing is counted')
  return made
}

describe('the accounts of files', () => {
  it('do not exist unless somebody wants them', () => {
    expect(createFileAccounting({ files: false, pattern: false, latest: false })).toBeUndefined()
  })

  it('count requests and bytes', () => {
    const accounts = accounting()
    accounts.count({ nid: 7, fop: LOOKUP, result: 128, isError: false })
    accounts.count({ nid: 7, fop: READ, result: 5000, isError: false })
    accounts.count({ nid: 7, fop: READ, result: -5, isError: true })
    const counts = accounts.files()['7']
    expect(counts).toMatchObject({
      total_fops: 3,
      data_read: 5000,
      block_count_read: [0, 0, 1, 0, 0, 0, 0, 0],
    })
    expect([counts?.fop_hits[READ], counts?.fop_errors[READ], counts?.fop_hits[LOOKUP]]).toEqual([1, 1, 1])
    expect(accounts.pattern()).toMatchObject([{ ino: 7, nr_read: 1 }])
  })

  it('join neighbours of the latest, and forget them', () => {
    const accounts = accounting()
    for (const nid of [9, 3, 4, 5, 12, 9]) accounts.count({ nid, fop: READ, result: 1, isError: false })
    expect(accounts.takeLatest()).toEqual([[3, 5], [9], [12]])
    expect(accounts.takeLatest()).toEqual([])
    expect(accounts.pattern().map(({ ino, nr_read: reads }) => [ino, reads])).toContainEqual([9, 2])
  })

  it('keep only what is asked for', () => {
    const accounts = accounting({ files: false, pattern: true, latest: false })
    accounts.count({ nid: 1, fop: READ, result: 1, isError: false })
    expect([accounts.files(), accounts.takeLatest(), accounts.pattern().length]).toEqual([{}, [], 1])
  })
})
