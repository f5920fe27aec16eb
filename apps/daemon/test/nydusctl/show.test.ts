// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { Document } from '../../src/nydusctl/api-client.ts'
import { showInfo, showRaw } from '../../src/nydusctl/show-info.ts'
import { showBackend, showBackendDelta, showCache, showFsStats } from '../../src/nydusctl/show-metrics.ts'
import { recorded } from '../recorded-api.ts'

interface Line {
  readonly args: readonly string[]
  readonly exit: number
  readonly stdout: unknown
}

const lines = recorded('nydusctl') as unknown as readonly Line[]

function golden(...last: readonly string[]): readonly unknown[] {
  return lines
    .filter(({ args, exit }) => exit === 0 && args.slice(-last.length).join(' ') === last.join(' '))
    .map(({ stdout }) => stdout)
}

/** As the recording has it: numbers are replaced, and ends of lines are cut. */
function masked(text: string): string[] {
  return text.split('\n').map((line) => line.replace(/(?<![\w/.-])\d[\d.]*(?![\w/])/g, '{NUM}').trimEnd())
}

const eight = [1, 2, 3, 4, 5, 6, 7, 8]
const NO_PREFETCH = { prefetch_end_time_secs: 0, prefetch_end_time_millis: 0, prefetch_begin_time_secs: 0 }

describe('the tables of nydusctl', () => {
  it('of the backend are the recorded ones', () => {
    const shown = showBackend({
      ...{ backend_type: 'localfs', read_amount_total: 1000, read_count: 1, read_errors: 0 },
      ...{ read_cumulative_latency_millis_dist: eight, read_count_block_size_dist: eight },
    })
    expect(masked(shown)).toEqual(golden('metrics', 'backend')[0])
  })

  it('of the cache are the recorded ones', () => {
    const raw = golden('metrics', 'cache')[1] as Document
    const numbers = Object.fromEntries(
      Object.entries(raw).map(([key, value]) => [key, value === '{INT}' ? 0 : value]),
    )
    expect(masked(showCache({ ...numbers, ...NO_PREFETCH }))).toEqual(golden('metrics', 'cache')[0])
  })

  it('of the file system are the recorded ones', () => {
    const hits = new Array<number>(15).fill(3)
    const metrics = {
      fop_hits: hits,
      fop_errors: hits,
      read_latency_dist: [20, ...eight.slice(1)],
      data_read: 2_621_440,
    }
    expect(masked(showFsStats(metrics))).toEqual(golden('metrics', 'fsstats')[0])
  })

  it('of the daemon have its instances', () => {
    const raw = golden('-r', '-S', '{TMP}/d{N}/api.sock', 'info')[0] as Document
    const shown = masked(showInfo(raw))
    expect(shown).toEqual(
      (golden('info')[1] as string[]).map((line) =>
        line.replace(/(\tMounted Time: {2}).*/, (_, name: string) => `${name}{TIME}`),
      ),
    )
    expect(JSON.parse(showRaw(raw))).toEqual(raw)
  })

  it('of an interval are differences', () => {
    const zeros = new Array<number>(8).fill(0)
    const at = (factor: number): Document => ({
      ...{ read_amount_total: 4096 * factor, read_count: 2 * factor },
      read_cumulative_latency_millis_total: 10 * factor,
      read_cumulative_latency_millis_dist: factor === 0 ? zeros : eight,
      read_count_block_size_dist: factor === 0 ? zeros : eight,
    })
    const shown = showBackendDelta(at(0), at(1), 2)
    expect(shown).toContain('Read Bandwidth:     2 KB/S\n')
    expect(shown).toContain('Average IO Size:    2048 Bytes\n')
    expect(shown).toContain('Average Latency:    5 millis\n')
    expect(showBackendDelta(at(1), at(0), 2)).toContain('Read Bandwidth:     0 KB/S\n')
  })
})
