// SPDX-License-Identifier: Apache-2.0
import type { Flag } from './flag.ts'
import {
  BUILDER_NOTE_FLAG,
  JSON_FLAG,
  PLAIN_HTTP_FLAG,
  PLATFORM_FLAG,
  PUSH_FLAGS,
  SOURCE_BACKEND_FLAGS,
  SOURCE_FLAGS,
  TARGET_FLAGS,
} from './image-flags.ts'

/** The one policy of the original. */
export const PREFETCH_POLICY = 'separated-blob-with-prefetch-files'
const BACKEND =
  "the blobs must be beside the source's manifest; nydus copy --source-backend-type brings them there"

/** The flags of `optimize`, in the order of the help. */
export const OPTIMIZE_FLAGS: readonly Flag[] = [
  ...SOURCE_FLAGS,
  ...TARGET_FLAGS,
  {
    name: 'prefetch-files',
    value: 'file',
    help: 'what is read first: a recorded trace (JSON), or one path a line; - is the standard input',
  },
  {
    name: 'policy',
    value: 'policy',
    default: PREFETCH_POLICY,
    env: 'OPTIMIZE_POLICY',
    help: 'how to optimize',
  },
  PLAIN_HTTP_FLAG,
  PLATFORM_FLAG,
  { name: 'work-dir', value: 'directory', default: './tmp', help: 'place for temporary files' },
  ...PUSH_FLAGS,
  JSON_FLAG,
  BUILDER_NOTE_FLAG,
  ...SOURCE_BACKEND_FLAGS.map((flag) => ({ ...flag, unsupported: BACKEND })),
]
