// SPDX-License-Identifier: Apache-2.0
/** What a transfer shows: one line on a terminal with bytes, rate and time left; messages elsewhere. */
import { formatBytes, formatSeconds, shortDigest } from '../render/format.ts'
import type { Log } from '../render/log.ts'
import { createStatusLine } from '../render/status-line.ts'
import type { CopyListener } from './copy-options.ts'

/** Shows the events of one transfer. */
export interface CopyDisplay {
  readonly onEvent: CopyListener
  /** May be called twice. */
  close(): void
}

/** Opens the display on `log`. */
export function createCopyDisplay(log: Log): CopyDisplay {
  const line = createStatusLine(log)
  const sent = new Map<string, number>()
  const started = performance.now()
  let total = 0
  let doneBytes = 0
  let doneCount = 0
  let blobCount = 0
  const show = () => {
    const bytes = doneBytes + [...sent.values()].reduce((sum, value) => sum + value, 0)
    line.show(progressText({ bytes, total, doneCount, blobCount, elapsedMs: performance.now() - started }))
  }
  return {
    onEvent(event) {
      if (event.type === 'resolved') log.debug(`resolved ${event.reference}: ${event.digest}`)
      if (event.type === 'planned') {
        total = event.bytes
        blobCount = event.blobCount
      }
      if (event.type === 'blob-progress') sent.set(event.digest, event.sentBytes)
      if (event.type === 'blob-done') {
        sent.delete(event.digest)
        doneBytes += event.size
        doneCount += 1
        log.debug(`blob ${shortDigest(event.digest)}: ${event.route}, ${formatBytes(event.size)}`)
      }
      if (event.type === 'retry') log.warn(event.message)
      if (event.type === 'pushed') log.debug(`pushed ${event.reference}@${event.digest}`)
      show()
    },
    close: line.clear,
  }
}

/** E.g. `3/7 blobs, 12.0 MB of 40.0 MB, 6.00 MB/s, 4.7 s left`. */
export function progressText(progress: {
  readonly bytes: number
  readonly total: number
  readonly doneCount: number
  readonly blobCount: number
  readonly elapsedMs: number
}): string {
  const { bytes, total, doneCount, blobCount, elapsedMs } = progress
  const start = `${doneCount}/${blobCount} blobs, ${formatBytes(bytes)} of ${formatBytes(total)}`
  if (bytes === 0 || elapsedMs < 1) return start
  const bytesPerMs = bytes / elapsedMs
  const left = Math.max(0, total - bytes) / bytesPerMs
  return `${start}, ${formatBytes(Math.round(bytesPerMs * 1000))}/s, ${formatSeconds(left)} left`
}
