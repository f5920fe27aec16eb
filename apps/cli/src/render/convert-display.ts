// SPDX-License-Identifier: Apache-2.0
/** What a conversion shows: bars on a terminal, a line a step elsewhere. */
import type { ConvertEvent, ConvertListener } from '../convert/convert-events.ts'
import { formatBytes, shortDigest } from './format.ts'
import { createLayerBars, type LayerBars } from './layer-bars.ts'
import type { Log } from './log.ts'

/** Shows the events of one conversion. */
export interface ConvertDisplay {
  readonly onEvent: ConvertListener
  /** May be called twice. */
  close(): void
}

/** Opens the display on `log`. */
export function createConvertDisplay(log: Log): ConvertDisplay {
  const hasBars = log.isInteractive && log.level === 'info'
  let bars: LayerBars | undefined
  return {
    onEvent(event) {
      // Not before there are layers: an empty set of bars leaves an empty line behind.
      if (hasBars && event.type === 'platform') bars ??= createLayerBars(log)
      bars?.update(event)
      const line = lineOf(event)
      if (event.type === 'note') log.warn(event.message)
      else if (line !== undefined && (bars === undefined || !event.type.startsWith('layer-'))) log.info(line)
      if (bars === undefined && event.type === 'layer-progress') log.debug(debugLineOf(event))
    },
    close() {
      bars?.close()
      bars = undefined
    },
  }
}

function lineOf(event: ConvertEvent): string | undefined {
  switch (event.type) {
    case 'resolved':
      return `source ${event.reference} is ${event.digest}`
    case 'platform':
      return `converting ${event.platform}: ${event.layers.length} layers`
    case 'layer-started':
      return `layer ${shortDigest(event.layer.digest)}: reading ${formatBytes(event.layer.size)}`
    case 'layer-built':
      return `layer ${shortDigest(event.layer.digest)}: built blob ${shortDigest(event.blobDigest)}, ${formatBytes(event.blobSize)}, ${event.chunkCount} chunks`
    case 'layer-cached':
      return `layer ${shortDigest(event.layer.digest)}: blob ${shortDigest(event.blobDigest)} was converted before`
    case 'layer-pushed':
      return `layer ${shortDigest(event.layer.digest)}: pushed blob ${shortDigest(event.blobDigest)}`
    case 'merged':
      return `merged ${event.platform}: bootstrap of ${formatBytes(event.bootstrapSize)}`
    case 'pushed':
      return `pushed ${event.reference}`
    default:
      return undefined
  }
}

function debugLineOf(event: ConvertEvent & { type: 'layer-progress' }): string {
  const { layer, readBytes, tarBytes, chunkCount, blobBytes } = event
  return `layer ${shortDigest(layer.digest)}: ${readBytes} bytes read, ${tarBytes} of tar, ${chunkCount} chunks, ${blobBytes} written`
}
