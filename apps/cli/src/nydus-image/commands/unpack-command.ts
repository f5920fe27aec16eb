// SPDX-License-Identifier: Apache-2.0
/** `unpack`: the table. */
import type { ImageCommand } from '../command-spec.ts'
import { BACKEND_FLAGS, BOOTSTRAP_FLAG, BOOTSTRAP_OPERAND } from './shared-flags.ts'

/** Writes an image as a tar. */
export const UNPACK_COMMAND: ImageCommand = {
  name: 'unpack',
  summary: 'Write an image as a tar',
  operand: BOOTSTRAP_OPERAND,
  flags: [
    ...BACKEND_FLAGS.map((flag) =>
      flag.name === 'backend-type' ? { ...flag, conflicts: ['blob', 'blob-dir'] } : flag,
    ),
    BOOTSTRAP_FLAG,
    { name: 'blob', short: 'b', help: 'file of the only blob', conflicts: ['blob-dir'] },
    { name: 'blob-dir', short: 'D', help: 'directory with the blobs, each named by its id' },
    { name: 'output', help: 'file or FIFO for the tar', required: true },
  ],
  examples: ['nydus-image unpack image.boot --blob-dir blobs --output image.tar'],
  run: async (values, context) => (await import('./unpack.ts')).runUnpack(values, context),
}
