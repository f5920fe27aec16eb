// SPDX-License-Identifier: Apache-2.0
/** `export`: the table. */
import type { ImageCommand } from '../command-spec.ts'

/** Writes a raw disk. */
export const EXPORT_COMMAND: ImageCommand = {
  name: 'export',
  summary: 'Write an image as a raw disk with an EROFS file system',
  flags: [
    { name: 'block', isSwitch: true, help: 'the only form there is', required: true },
    { name: 'bootstrap', short: 'B', help: 'bootstrap of the image', requires: 'localfs-dir' },
    { name: 'config', short: 'C', help: 'configuration of one bootstrap entry' },
    {
      name: 'localfs-dir',
      short: 'D',
      help: 'directory with the blobs, each named by its id',
      requires: 'bootstrap',
      conflicts: ['config'],
    },
    { name: 'threads', help: 'accepted without effect', default: '4' },
    {
      name: 'output',
      short: 'O',
      help: 'file for the disk, default <localfs-dir>/<bootstrap>.disk',
      required: ['localfs-dir'],
    },
    {
      name: 'verity',
      isSwitch: true,
      help: 'append a dm-verity hash tree and print its options',
      requires: 'block',
    },
  ],
  examples: [
    'nydus-image export --block --verity --bootstrap image.boot --localfs-dir blobs --output image.disk',
  ],
  run: async (values, context) => (await import('./export.ts')).runExport(values, context),
}
