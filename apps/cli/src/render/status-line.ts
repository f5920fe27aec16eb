// SPDX-License-Identifier: Apache-2.0
/** One line that is redrawn on a terminal, a few times a second at most; nothing elsewhere. */
import type { Log } from './log.ts'

/** The line at the bottom of the screen. */
export interface StatusLine {
  show(text: string): void
  /** Removes it; `show` brings it back. */
  clear(): void
}

const INTERVAL_MS = 100
const ERASE = '\r\u001b[2K'

/** Draws below the messages of `log`. */
export function createStatusLine(log: Log): StatusLine {
  let isShown = false
  let lastMs = 0
  const clear = () => {
    if (isShown) log.stream.write(ERASE)
    isShown = false
  }
  log.writeLine = (line) => {
    clear()
    log.stream.write(line)
  }
  return {
    show(text) {
      const now = performance.now()
      if (!log.isInteractive || now - lastMs < INTERVAL_MS) return
      lastMs = now
      log.stream.write(`${ERASE}${text}`)
      isShown = true
    },
    clear,
  }
}
