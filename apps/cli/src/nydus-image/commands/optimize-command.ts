// SPDX-License-Identifier: Apache-2.0
/** `optimize`: the table. */
import type { ImageCommand } from '../command-spec.ts'
import { BACKEND_FLAGS, CONFIG_FLAG, LOCAL_BLOBS_FLAG, OUTPUT_JSON_FLAG } from './shared-flags.ts'

/** Makes a prefetch blob. */
export const OPTIMIZE_COMMAND: ImageCommand = {
  name: 'optimize',
  summary: 'Put the data that is read first into a blob of its own',
  flags: [
    { name: 'bootstrap', short: 'B', help: 'bootstrap of the image', required: true },
    {
      name: 'prefetch-files',
      short: 'p',
      help: 'file that lists what is read first: JSON {"version":"v1","files":[{"path":…,"ranges":[[offset,length]]}]}, or a path a line',
    },
    CONFIG_FLAG,
    ...BACKEND_FLAGS,
    LOCAL_BLOBS_FLAG,
    { name: 'blob', short: 'b', help: 'file of the only blob' },
    {
      name: 'output-bootstrap',
      short: 'O',
      help: 'file for the new bootstrap',
      default: 'optimized_bootstrap',
    },
    { name: 'output-blob-dir', help: 'directory for the new blob' },
    OUTPUT_JSON_FLAG,
  ],
  examples: [
    'nydus-image optimize --bootstrap image.boot --blob-dir blobs --prefetch-files first.json --output-blob-dir blobs',
  ],
  run: async (values, context) => (await import('./optimize.ts')).runOptimize(values, context),
}
