// SPDX-License-Identifier: Apache-2.0
/** `inspect`: the table. */
import type { ImageCommand } from '../command-spec.ts'
import { BOOTSTRAP_FLAG, BOOTSTRAP_OPERAND, CONFIG_FLAG, LOCAL_BLOBS_FLAG } from './shared-flags.ts'

/** Looks into a bootstrap. */
export const INSPECT_COMMAND: ImageCommand = {
  name: 'inspect',
  summary: 'Look into a bootstrap: commands from the standard input, or one request',
  operand: BOOTSTRAP_OPERAND,
  flags: [
    BOOTSTRAP_FLAG,
    LOCAL_BLOBS_FLAG,
    CONFIG_FLAG,
    {
      name: 'request',
      short: 'R',
      help: 'one command whose result is printed as JSON: stats, blobs, prefetch, …',
    },
  ],
  examples: ['nydus-image inspect image.boot', 'nydus-image inspect image.boot --request blobs'],
  run: async (values, context) => (await import('../inspect/inspect.ts')).runInspect(values, context),
}
