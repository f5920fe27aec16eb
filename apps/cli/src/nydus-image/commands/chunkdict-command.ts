// SPDX-License-Identifier: Apache-2.0
/** `chunkdict generate`: the table. */
import type { ImageCommand } from '../command-spec.ts'
import { CONFIG_FLAG, OUTPUT_JSON_FLAG, PREFETCH_POLICY_FLAG } from './shared-flags.ts'

/** Makes a chunk dictionary. */
export const CHUNKDICT_COMMAND: ImageCommand = {
  name: 'chunkdict generate',
  summary: 'Choose the chunks that images share and write them as the bootstrap of a chunk dictionary',
  operand: {
    name: 'SOURCE',
    help: 'bootstraps, each in a directory named <image>:<version>',
    required: true,
    isVariadic: true,
  },
  flags: [
    {
      name: 'database',
      help: 'SQLite database for what is known of the images, as sqlite:///PATH or sqlite://:memory:',
      default: 'sqlite:///home/runner/output/database.db',
    },
    { name: 'bootstrap', short: 'B', help: 'file for the bootstrap of the dictionary' },
    {
      name: 'blob-dir',
      short: 'D',
      help: 'directory for that bootstrap, which is named by its digest there',
    },
    PREFETCH_POLICY_FLAG,
    OUTPUT_JSON_FLAG,
    CONFIG_FLAG,
    { name: 'verbose', short: 'v', isSwitch: true, help: 'say more' },
  ],
  examples: [
    'nydus-image chunkdict generate --database sqlite:///tmp/d.db --bootstrap dict.boot app:1/boot app:2/boot',
  ],
  run: async (values, context) => (await import('./chunkdict.ts')).runChunkDict(values, context),
}
