// SPDX-License-Identifier: Apache-2.0
/** `check`: the table. */
import type { ImageCommand } from '../command-spec.ts'
import {
  BOOTSTRAP_FLAG,
  BOOTSTRAP_OPERAND,
  CONFIG_FLAG,
  LOCAL_BLOBS_FLAG,
  OUTPUT_JSON_FLAG,
} from './shared-flags.ts'

/** Checks a bootstrap. */
export const CHECK_COMMAND: ImageCommand = {
  name: 'check',
  summary: 'Prove that a bootstrap, or the one in a layer blob, is sound, and list its blobs',
  operand: BOOTSTRAP_OPERAND,
  flags: [
    BOOTSTRAP_FLAG,
    LOCAL_BLOBS_FLAG,
    CONFIG_FLAG,
    { name: 'verbose', short: 'v', isSwitch: true, help: 'list every inode and its chunks' },
    OUTPUT_JSON_FLAG,
  ],
  examples: ['nydus-image check image.boot', 'nydus-image check --verbose --blob-dir blobs blobs/3f2c…'],
  run: async (values, context) => (await import('./check.ts')).runCheck(values, context),
}
