// SPDX-License-Identifier: Apache-2.0
/** `stat`: the table. */
import type { ImageCommand } from '../command-spec.ts'
import { CONFIG_FLAG, DIGESTER_FLAG, OUTPUT_JSON_FLAG } from './shared-flags.ts'

/** Counts files and chunks. */
export const STAT_COMMAND: ImageCommand = {
  name: 'stat',
  summary: 'Count files and chunks of images, and what deduplication between them saves',
  flags: [
    { name: 'bootstrap', short: 'B', help: 'bootstrap of the image' },
    { name: 'blob-dir', short: 'D', help: 'directory whose bootstraps are counted together' },
    { name: 'target', short: 'T', help: 'bootstrap whose chunks are looked up in those of the others' },
    CONFIG_FLAG,
    DIGESTER_FLAG,
    OUTPUT_JSON_FLAG,
  ],
  examples: ['nydus-image stat --bootstrap old.boot --target new.boot --output-json stat.json'],
  run: async (values, context) => (await import('./stat.ts')).runStat(values, context),
}
