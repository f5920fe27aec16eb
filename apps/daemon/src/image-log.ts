// SPDX-License-Identifier: Apache-2.0
/** What happens to images, as lines of the log and as events of the API. */
import { describeError } from '@nydus/base/error'
import type { Logger } from 'pino'
import type { EventRing } from './event-ring.ts'
import type { ImageEvent } from './mount-image.ts'

/** A read from the backend that takes longer is worth a warning, in milliseconds; large ones may take more. */
const SLOW_MS = 250
const SLOW_LARGE_MS = 1000
const LARGE_BYTES = 4 << 20

/** @returns to be called with each event and the place of its image. */
export function createImageLog(logger: Logger, events: EventRing): (path: string, event: ImageEvent) => void {
  const fail = (text: string): void => {
    logger.error(text)
    events.add(text)
  }
  return (path, event) => {
    switch (event.kind) {
      case 'fetch':
        logFetch(logger, event)
        return
      case 'plane':
        logger.warn(`${path}: the erofs data plane cannot be used, FUSE serves the files: ${event.reason}`)
        return
      case 'full':
        events.add(event.message)
        logger.warn(`${event.message}: what is read from it is fetched each time`)
        return
      case 'failure':
        fail(`${event.operation} of inode ${event.nid} failed: ${event.message}`)
        return
      case 'ready':
        logger.info(`FUSE protocol ${event.protocol}, ${event.workers} threads`)
        return
      case 'closed':
        if (event.reason === 'worker') fail(`a FUSE thread died: ${describeError(event.error)}`)
        else logger.info(event.reason === 'kernel' ? 'unmounted from outside' : 'unmounted')
    }
  }
}

function logFetch(logger: Logger, event: Extract<ImageEvent, { kind: 'fetch' }>): void {
  const { length, offset, blobId, ms, reason } = event
  const line = `fetched ${length} bytes at ${offset} of blob ${blobId} in ${Math.round(ms)} ms (${reason})`
  const isSlow = ms > (length > LARGE_BYTES ? SLOW_LARGE_MS : SLOW_MS)
  if (isSlow) logger.warn(`slow backend: ${line}`)
  else logger.debug(line)
}
