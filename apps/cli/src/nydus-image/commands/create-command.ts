// SPDX-License-Identifier: Apache-2.0
/** `create`: the table. */
import type { ImageCommand } from '../command-spec.ts'
import {
  CHUNK_DICT_FLAG,
  CONFIG_FLAG,
  DIGESTER_FLAG,
  OUTPUT_JSON_FLAG,
  PREFETCH_POLICY_FLAG,
} from './shared-flags.ts'

/** Builds a RAFS file system. */
export const CREATE_COMMAND: ImageCommand = {
  name: 'create',
  summary: 'Build a RAFS file system from a directory, a tar or a table of contents',
  operand: {
    name: 'SOURCE',
    help: 'directory, tar (a FIFO too) or table of contents to build from',
    required: true,
  },
  flags: [
    {
      name: 'type',
      short: 't',
      aliases: ['source-type'],
      help: 'what the source is and what is made of it',
      default: 'dir-rafs',
      choices: [
        ...['directory', 'dir-rafs', 'estargz-rafs', 'estargz-ref', 'estargztoc-ref'],
        ...['tar-rafs', 'tar-tarfs', 'targz-rafs', 'targz-ref', 'stargz_index'],
      ],
    },
    {
      name: 'bootstrap',
      short: 'B',
      help: 'file for the bootstrap',
      required: ['blob-dir', 'blob-inline-meta'],
      conflicts: ['blob-inline-meta'],
    },
    { name: 'blob-dir', short: 'D', help: 'directory for the blob, which is named by its id there' },
    { name: 'blob', short: 'b', help: 'file or FIFO for the blob', required: ['type', 'blob-dir'] },
    {
      name: 'external-blob',
      help: 'file for the description of blobs outside of the image',
      required: ['type', 'blob-dir'],
    },
    {
      name: 'blob-inline-meta',
      aliases: ['inline-bootstrap'],
      isSwitch: true,
      help: 'put bootstrap and blob meta into the blob',
      conflicts: ['blob-id'],
    },
    {
      name: 'blob-id',
      help: 'id of the blob, at most 255 characters; its SHA-256 by default',
      requiredWhen: { flag: 'type', values: ['estargztoc-ref', 'stargz_index'] },
    },
    { name: 'blob-data-size', help: 'bytes of the layer that a table of contents belongs to, hexadecimal' },
    { name: 'blob-offset', help: 'where the data begins in its file', default: '0', isHidden: true },
    { name: 'chunk-size', help: 'bytes of a chunk, a power of two from 0x1000 to 0x1000000' },
    {
      name: 'batch-size',
      help: 'join small chunks up to this many bytes, a power of two from 0x1000 to the chunk size; 0 for none',
      default: '0',
    },
    {
      name: 'compressor',
      help: 'how chunks are compressed',
      default: 'zstd',
      choices: ['none', 'lz4_block', 'zstd'],
    },
    DIGESTER_FLAG,
    CONFIG_FLAG,
    { name: 'fs-version', short: 'v', help: 'version of the RAFS format', default: '6', choices: ['5', '6'] },
    { name: 'features', help: 'further parts of the blob', choices: ['blob-toc'] },
    CHUNK_DICT_FLAG,
    { name: 'parent-bootstrap', help: 'bootstrap of the layers below; the result is the whole tree' },
    {
      name: 'aligned-chunk',
      isSwitch: true,
      help: 'align chunks to 4096 bytes in version 5, as version 6 always does',
    },
    {
      name: 'repeatable',
      isSwitch: true,
      help: 'leave owners out, so that the result does not depend on who builds',
    },
    { name: 'disable-check', isSwitch: true, help: 'accepted without effect', isHidden: true },
    {
      name: 'whiteout-spec',
      help: 'how the source marks what it removes from the layers below',
      default: 'oci',
      choices: ['oci', 'overlayfs', 'none'],
    },
    PREFETCH_POLICY_FLAG,
    OUTPUT_JSON_FLAG,
    { name: 'encrypt', short: 'E', isSwitch: true, help: 'encrypt chunks and blob meta (AES-128-XTS)' },
    {
      name: 'blob-cache-dir',
      help: 'directory for the files of a blob cache instead of a blob: <id>.blob.data and <id>.blob.meta',
      conflicts: ['blob-inline-meta', 'blob', 'blob-dir', 'compressor'],
    },
    {
      name: 'attributes',
      help: 'file that says which files lie in blobs outside of the image (.nydusattributes)',
    },
  ],
  examples: [
    'nydus-image create --type tar-rafs --bootstrap layer.boot --blob layer.blob layer.tar',
    'nydus-image create --type dir-rafs --bootstrap image.boot --blob-dir blobs ./rootfs',
    'nydus-image create --type targz-ref --bootstrap layer.boot --blob-dir blobs layer.tar.gz',
  ],
  run: async (values, context) => (await import('../create/create.ts')).runCreate(values, context),
}
