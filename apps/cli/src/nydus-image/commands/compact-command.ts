// SPDX-License-Identifier: Apache-2.0
/** `compact`: the table. */
import type { ImageCommand } from '../command-spec.ts'
import { BACKEND_FLAGS, CHUNK_DICT_FLAG, CONFIG_FLAG, OUTPUT_JSON_FLAG } from './shared-flags.ts'

/** Rewrites blobs. */
export const COMPACT_COMMAND: ImageCommand = {
  name: 'compact',
  summary: 'Rewrite blobs whose data is little used, and join small ones',
  flags: [
    { name: 'bootstrap', short: 'B', help: 'bootstrap of the image', required: true },
    CONFIG_FLAG,
    ...BACKEND_FLAGS,
    {
      name: 'min-used-ratio',
      help: 'rewrite blobs of whose data less than this percentage is used, 0 to 99; 0 for none',
      default: '0',
    },
    { name: 'compact-blob-size', help: 'join blobs below this many bytes', default: '10485760' },
    { name: 'max-compact-size', help: 'most bytes of a joined blob', default: '104857600' },
    {
      name: 'layers-to-compact',
      help: 'only for images of at least this many blobs; 0 for all',
      default: '0',
    },
    {
      name: 'blob-dir',
      short: 'D',
      help: 'directory for new blobs, and with the old ones unless a backend has them',
      required: true,
    },
    CHUNK_DICT_FLAG,
    { name: 'output-bootstrap', short: 'O', help: 'file for the new bootstrap, default <bootstrap>.compact' },
    OUTPUT_JSON_FLAG,
  ],
  examples: ['nydus-image compact --bootstrap image.boot --blob-dir blobs --min-used-ratio 30'],
  run: async (values, context) => (await import('./compact.ts')).runCompact(values, context),
}
