// SPDX-License-Identifier: Apache-2.0
/** What a check shows while it reads. */
import type { CheckProgress } from '@nydus/checker'
import { formatBytes } from './format.ts'
import type { Log } from './log.ts'
import { createStatusLine } from './status-line.ts'

/** Shows the progress of one check. */
export interface CheckDisplay {
  readonly onProgress: (progress: CheckProgress) => void
  /** Makes room for other output. */
  pause(): void
  /** May be called twice. */
  close(): void
}

/** Opens the display on `log`. */
export function createCheckDisplay(log: Log): CheckDisplay {
  const line = createStatusLine(log)
  return {
    onProgress: ({ sourceEntries, blobBytes }) =>
      line.show(`checking: ${sourceEntries} source entries, ${formatBytes(blobBytes)} of blobs`),
    pause: line.clear,
    close: line.clear,
  }
}
