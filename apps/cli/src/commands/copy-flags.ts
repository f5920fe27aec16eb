// SPDX-License-Identifier: Apache-2.0
import type { Flag } from './flag.ts'
import {
  BUILDER_NOTE_FLAG,
  JSON_FLAG,
  PLAIN_HTTP_FLAG,
  PUSH_FLAGS,
  SOURCE_BACKEND_FLAGS,
  SOURCE_FLAGS,
  TARGET_FLAGS,
} from './image-flags.ts'

/** The flags of `copy`, in the order of the help. */
export const COPY_FLAGS: readonly Flag[] = [
  ...SOURCE_FLAGS,
  ...TARGET_FLAGS,
  PLAIN_HTTP_FLAG,
  {
    name: 'platform',
    value: 'list',
    env: false,
    help: "images to take from an index, e.g. linux/amd64,linux/arm64 (default this machine's)",
  },
  {
    name: 'all-platforms',
    env: false,
    help: 'copy the index and all that is in it, byte for byte: digests and signatures stay good',
  },
  ...PUSH_FLAGS,
  ...SOURCE_BACKEND_FLAGS,
  JSON_FLAG,
  { name: 'work-dir', value: 'directory', help: '', note: 'nothing is stored on the way' },
  BUILDER_NOTE_FLAG,
]
