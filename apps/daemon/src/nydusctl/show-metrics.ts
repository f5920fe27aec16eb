// SPDX-License-Identifier: Apache-2.0
/** Metrics as tables for people, laid out as the original's tool does. */
import type { Document } from './api-client.ts'

const SIZES = ['<1K', '1K~', '4K~', '16K~', '64K~', '128K~', '512K~', '1M~']
const PERIODS = ['<1ms', '~20ms', '~50ms', '~100ms', '~500ms', '~1s', '~2s', '2s~']
const CELL = 8
const FIRST_CELL = 25
const FIRST_CELL_OF_FS = 16
const FOPS_A = ['Getattr', 'Readlink', 'Open', 'Release', 'Read', 'Statfs', 'Getxattr', 'Listxattr']
const FOPS_B = ['Opendir', 'Lookup', 'Readdir', 'Readdirplus', 'Access', 'Forget', 'BatchForget']
const READ = 4
const KIB = 1024
const MIB = 1024 * 1024

/** `metrics backend`. */
export function showBackend(metrics: Document): string {
  const bytes = numberOf(metrics, 'read_amount_total')
  const latencies = averages(
    listOf(metrics, 'read_cumulative_latency_millis_dist'),
    listOf(metrics, 'read_count_block_size_dist'),
  )
  return `
Backend Type:       ${JSON.stringify(metrics.backend_type)}
Read Amount:        ${bytes} Bytes (${bytes / MIB} MB)
Read Count:         ${numberOf(metrics, 'read_count')}
Read Errors:        ${numberOf(metrics, 'read_errors')}

${row('Block Sizes:', FIRST_CELL, SIZES)}
${row('Average Latency(millis):', FIRST_CELL, latencies)}

${row('Block Sizes:', FIRST_CELL, SIZES)}
${row('Request Count:', FIRST_CELL, listOf(metrics, 'read_count_block_size_dist'))}
`
}

/** `metrics backend -I`: what happened in `seconds`. */
export function showBackendDelta(before: Document, after: Document, seconds: number): string {
  const delta = (name: string): number => Math.max(0, numberOf(after, name) - numberOf(before, name))
  const deltas = (name: string): number[] => {
    const old = listOf(before, name)
    return listOf(after, name).map((value, index) => Math.max(0, value - (old[index] ?? 0)))
  }
  const bytes = delta('read_amount_total')
  const reads = delta('read_count')
  const latencies = averages(
    deltas('read_cumulative_latency_millis_dist'),
    deltas('read_count_block_size_dist'),
  )
  return `
>>> >>> >>> >>> >>>
Backend Read Bandwidth:     ${quotient(bytes, seconds * KIB)} KB/S
Backend Average IO Size:    ${quotient(bytes, reads)} Bytes
Backend Average Latency:    ${quotient(delta('read_cumulative_latency_millis_total'), reads)} millis

Block Sizes/millis:
${row('', 0, SIZES)}
${row('', 0, latencies)}
<<< <<< <<< <<< <<<
`
}

/** `metrics cache`. */
export function showCache(metrics: Document): string {
  const number = (name: string): number => numberOf(metrics, name)
  const amount = number('prefetch_data_amount')
  const requests = number('prefetch_requests_count')
  const begin = number('prefetch_begin_time_secs') + number('prefetch_begin_time_millis') / 1000
  const duration = number('prefetch_end_time_secs') + number('prefetch_end_time_millis') / 1000 - begin
  return `
Partial Hits:               ${number('partial_hits')}
Whole Hits:                 ${number('whole_hits')}
Total Read:                 ${number('total')}
Directory:                  ${JSON.stringify(metrics.store_path)}
Files:                      ${JSON.stringify(metrics.underlying_files)}
Persister Buffer:           ${number('buffered_backend_size')}

Prefetch Workers:           ${number('prefetch_workers')}
Prefetch Amount:            ${amount} = ${amount / KIB} KB
Prefetch Requests:          ${requests}
Prefetch Average Size:      ${quotient(amount, requests)} Bytes
Prefetch Duration:          ${duration} Seconds
Prefetch Bandwidth:         ${amount / MIB / duration} MB/S
Prefetch Request Latency:   ${number('prefetch_cumulative_time_millis') / requests / 1000} Seconds
Prefetch Unmerged:          ${number('prefetch_unmerged_chunks')}
`
}

/** `metrics fsstats`. */
export function showFsStats(metrics: Document): string {
  const hits = listOf(metrics, 'fop_hits')
  const bytes = numberOf(metrics, 'data_read')
  const counters = (names: readonly string[], from: number): string =>
    names.map((name, index) => `${name}(${hits[from + index] ?? 0})`).join(' ')
  return `
${row('Read Latency:', FIRST_CELL_OF_FS, PERIODS)}
${row('Reads Count:', FIRST_CELL_OF_FS, listOf(metrics, 'read_latency_dist'))}

Read Errors: ${listOf(metrics, 'fop_errors')[READ] ?? 0}
Read Data: ${bytes}Bytes (${Math.floor(bytes / MIB)}MB)

FOP Counters:
${counters(FOPS_A, 0)}
${counters(FOPS_B, FOPS_A.length)}
`
}

function row(name: string, width: number, cells: readonly (number | string)[]): string {
  return name.padEnd(width) + cells.map((cell) => String(cell).padEnd(CELL)).join('')
}

function averages(totals: readonly number[], counts: readonly number[]): number[] {
  return totals.map((total, index) => quotient(total, counts[index] ?? 0))
}

/** Whole, and 0 where there is nothing to divide by. */
function quotient(total: number, count: number): number {
  return count === 0 ? 0 : Math.floor(total / count)
}

function numberOf(document: Document, name: string): number {
  const value = document[name]
  return typeof value === 'number' ? value : 0
}

function listOf(document: Document, name: string): readonly number[] {
  const value = document[name]
  return Array.isArray(value) ? value.map(Number) : []
}
