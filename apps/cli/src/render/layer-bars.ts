// SPDX-License-Identifier: Apache-2.0
/** One bar a layer on a terminal. */
import { MultiBar, type SingleBar } from 'cli-progress'
import type { ConvertEvent, LayerName } from '../convert/convert-events.ts'
import { formatBytes, shortDigest } from './format.ts'
import type { Log } from './log.ts'

/** Draws and redraws the bars of a conversion. */
export interface LayerBars {
  update(event: ConvertEvent): void
  /** Leaves the last state on the screen. */
  close(): void
}

const FORMAT = '{name} {bar} {size} {state}'
const NAME_CHARACTERS = 12
const SIZE_CHARACTERS = 8

/** Takes over the terminal of `log` until it is closed; messages are written above the bars. */
export function createLayerBars(log: Log): LayerBars {
  const multi = new MultiBar({
    format: FORMAT,
    stream: log.stream as NodeJS.WritableStream,
    barsize: 30,
    hideCursor: true,
    clearOnComplete: false,
    stopOnComplete: false,
    forceRedraw: true, // messages above move the bars down, unchanged ones must be drawn again too
    fps: 10,
    gracefulExit: false,
    emptyOnZero: true,
    autopadding: true,
  })
  const bars = new Map<string, SingleBar>()
  log.writeLine = (line) => {
    multi.log(line)
    multi.update()
  }

  function barOf(layer: LayerName): SingleBar {
    let bar = bars.get(layer.digest)
    if (bar === undefined) {
      const name = shortDigest(layer.digest).padEnd(NAME_CHARACTERS)
      const size = formatBytes(layer.size).padStart(SIZE_CHARACTERS)
      bar = multi.create(Math.max(layer.size, 1), 0, { name, size, state: 'waiting' })
      bars.set(layer.digest, bar)
    }
    return bar
  }

  return {
    update(event) {
      if (event.type === 'platform') for (const layer of event.layers) barOf(layer)
      const change = changeOf(event)
      if (change !== undefined) barOf(change.layer).update(change.value, { state: change.state })
    },
    close() {
      log.writeLine = undefined
      multi.stop()
    },
  }
}

function changeOf(event: ConvertEvent): { layer: LayerName; value: number; state: string } | undefined {
  switch (event.type) {
    case 'layer-started':
      return { layer: event.layer, value: 0, state: 'reading' }
    case 'layer-progress': {
      const written = formatBytes(event.blobBytes)
      return {
        layer: event.layer,
        value: event.readBytes,
        state: `${event.chunkCount} chunks, ${written} written`,
      }
    }
    case 'layer-built':
      return { layer: event.layer, value: event.layer.size, state: `built, ${formatBytes(event.blobSize)}` }
    case 'layer-cached':
      return { layer: event.layer, value: event.layer.size, state: `cached, ${formatBytes(event.blobSize)}` }
    case 'layer-pushing': {
      const percent = event.blobSize === 0 ? 100 : Math.floor((100 * event.pushedBytes) / event.blobSize)
      return {
        layer: event.layer,
        value: event.layer.size,
        state: `pushing ${percent} % of ${formatBytes(event.blobSize)}`,
      }
    }
    case 'layer-pushed':
      return { layer: event.layer, value: event.layer.size, state: 'pushed' }
    default:
      return undefined
  }
}
