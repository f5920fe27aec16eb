// SPDX-License-Identifier: Apache-2.0
/** A daemon fetches for a while and then waits for days: it gives the memory of the fetching back. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { keepMemoryLow } from '@nydus/fuse-fs'

/** Tidies up when nothing has happened for a while. */
export interface MemoryKeeper {
  /** Something has used memory. */
  touch(): void
}

/** Quiet for this long is idle. Collecting a heap of this size stops the main thread for some 15 ms. */
const IDLE_MS = 1000

/** Sets the process's allocator up; call it once, early. */
export function createMemoryKeeper(): MemoryKeeper {
  const trim = keepMemoryLow()
  const collect = exposeCollector()
  let timer: NodeJS.Timeout | undefined

  const tidy = (): void => {
    timer = undefined
    collect()
    trim()
  }

  return {
    touch() {
      if (timer === undefined) timer = setTimeout(tidy, IDLE_MS).unref()
      else timer.refresh()
    },
  }
}

function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('globalThis.gc')
  return typeof collect === 'function' ? () => void collect() : () => {}
}
