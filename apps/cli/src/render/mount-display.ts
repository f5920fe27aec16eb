// SPDX-License-Identifier: Apache-2.0
/** What a mount shows: how much of the image was fetched so far, each fetch when asked for details, and what fails. */
import type { ImageEvent } from '@nydus/daemon'
import { createFailureLines } from './failure-lines.ts'
import { formatBytes } from './format.ts'
import type { Log } from './log.ts'
import { createStatusLine } from './status-line.ts'

/** Shows what happens in one mount. */
export interface MountDisplay {
  readonly onEvent: (event: ImageEvent) => void
  /** The image is mounted. @param blobBytes what a full download would fetch. */
  start(blobBytes: number): void
  fetchedBytes(): number
  /** May be called twice. */
  close(): void
}

/** Without a terminal a line is written for each twentieth of the image, but not for less than this. */
const MIN_LINE_BYTES = 8 << 20

/** Opens the display on `log`. */
export function createMountDisplay(log: Log): MountDisplay {
  const line = createStatusLine(log)
  const failures = createFailureLines(log)
  let total = 0
  let fetched = 0
  let fetchCount = 0
  let nextLine = 0
  const state = () => `fetched ${formatBytes(fetched)} of ${formatBytes(total)} in ${fetchCount} requests`

  function showFetch(event: ImageEvent & { kind: 'fetch' }): void {
    fetched += event.length
    fetchCount += 1
    log.debug(
      `fetch ${event.blobId.slice(0, 12)} at ${event.offset}: ${event.length} bytes in ${event.ms.toFixed(1)} ms (${event.reason})`,
    )
    line.show(state())
    if (log.isInteractive || fetched < nextLine) return
    nextLine = fetched + Math.max(MIN_LINE_BYTES, total / 20)
    log.info(state())
  }

  return {
    onEvent(event) {
      if (event.kind === 'fetch') showFetch(event)
      else if (event.kind === 'failure') failures.add(event)
      else if (event.kind === 'full') log.warn(event.message)
      else if (event.kind === 'ready') for (const limit of event.limits) log.warn(limit)
    },
    start(blobBytes) {
      total = blobBytes
    },
    fetchedBytes: () => fetched,
    close() {
      failures.close()
      line.clear()
    },
  }
}
