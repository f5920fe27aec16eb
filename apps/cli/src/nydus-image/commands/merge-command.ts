// SPDX-License-Identifier: Apache-2.0
/** `merge`: the table. */
import type { ImageCommand } from '../command-spec.ts'
import { CHUNK_DICT_FLAG, CONFIG_FLAG, OUTPUT_JSON_FLAG, PREFETCH_POLICY_FLAG } from './shared-flags.ts'

/** Merges bootstraps of layers. */
export const MERGE_COMMAND: ImageCommand = {
  name: 'merge',
  summary: 'Put the bootstraps of layers, lowest first, on top of each other',
  operand: {
    name: 'SOURCE',
    help: 'bootstraps, each named by the id of its blob',
    required: true,
    isVariadic: true,
  },
  flags: [
    { name: 'parent-bootstrap', help: 'bootstrap of the layers below the first one' },
    { name: 'bootstrap', short: 'B', help: 'file for the merged bootstrap' },
    {
      name: 'blob-dir',
      short: 'D',
      help: 'directory for the merged bootstrap, which is named by its digest there',
    },
    CHUNK_DICT_FLAG,
    PREFETCH_POLICY_FLAG,
    OUTPUT_JSON_FLAG,
    { name: 'blob-digests', help: 'SHA-256 of the blobs, with commas between' },
    { name: 'original-blob-ids', help: 'ids of the blobs, with commas between' },
    { name: 'blob-sizes', help: 'bytes of the blobs, with commas between' },
    { name: 'blob-toc-digests', help: 'SHA-256 of their tables of contents, with commas between' },
    { name: 'blob-toc-sizes', help: 'bytes of their tables of contents, with commas between' },
    CONFIG_FLAG,
  ],
  examples: ['nydus-image merge --bootstrap image.boot --prefetch-policy fs lower upper < patterns'],
  run: async (values, context) => (await import('./merge.ts')).runMerge(values, context),
}
