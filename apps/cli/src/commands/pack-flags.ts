// SPDX-License-Identifier: Apache-2.0
import type { Flag } from './flag.ts'
import { BUILDER_NOTE_FLAG, JSON_FLAG } from './image-flags.ts'

/** The flags of `build`, in the order of the help. */
export const PACK_FLAGS: readonly Flag[] = [
  { name: 'source-dir', aliases: ['target-dir'], value: 'directory', help: 'what to build from' },
  {
    name: 'output-dir',
    short: 'o',
    value: 'directory',
    default: './.nydus-build-output',
    help: 'where the files go',
  },
  {
    name: 'name',
    aliases: ['meta', 'bootstrap'],
    value: 'name',
    env: 'IMAGE_NAME',
    help: 'NAME gives NAME.meta and NAME.blob',
  },
  { name: 'fs-version', value: 'version', default: '6', help: 'RAFS version, 5 or 6' },
  { name: 'compressor', value: 'name', default: 'zstd', help: 'none, lz4_block or zstd' },
  {
    name: 'chunk-size',
    value: 'bytes',
    default: '0x100000',
    help: 'a power of two from 0x1000 to 0x1000000',
  },
  { name: 'chunk-dict', value: 'dict', help: 'bootstrap=FILE: chunks of its blobs are not stored again' },
  { name: 'parent-bootstrap', value: 'file', help: 'bootstrap of what lies below the directory' },
  { name: 'compact', help: 'rewrite little used blobs of the parent first' },
  {
    name: 'compact-config-file',
    value: 'file',
    help: 'JSON: min_used_ratio, compact_blob_size, max_compact_size, layers_to_compact',
  },
  { name: 'backend-push', help: 'put the files into the backend: blobs named by their ids' },
  { name: 'backend-type', value: 'type', help: 'localfs' },
  {
    name: 'backend-config',
    value: 'json',
    help: '{"dir":"DIRECTORY","meta_prefix":"","blob_prefix":""}',
  },
  { name: 'backend-config-file', value: 'file', help: 'the same from a file' },
  JSON_FLAG,
  BUILDER_NOTE_FLAG,
]
