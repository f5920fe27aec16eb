// SPDX-License-Identifier: Apache-2.0
import type { Flag } from './flag.ts'
import {
  BUILDER_NOTE_FLAG,
  JSON_FLAG,
  PLAIN_HTTP_FLAG,
  PLATFORM_FLAG,
  PUSH_FLAGS,
  SOURCE_BACKEND_FLAGS,
  TARGET_FLAGS,
} from './image-flags.ts'

const BACKEND = "the blobs must be beside the images' manifests"

/** The flags of `chunkdict generate`, in the order of the help. */
export const CHUNKDICT_FLAGS: readonly Flag[] = [
  { name: 'sources', value: 'list', help: 'Nydus images, e.g. redis:7.0-nydus,redis:7.2-nydus' },
  { name: 'source-insecure', help: 'accept any certificate and plain HTTP from the sources' },
  ...TARGET_FLAGS,
  PLAIN_HTTP_FLAG,
  PLATFORM_FLAG,
  {
    name: 'work-dir',
    value: 'directory',
    default: './output',
    help: 'keeps the dictionary, and a database that later runs learn from as well',
  },
  ...PUSH_FLAGS,
  JSON_FLAG,
  {
    name: 'all-platforms',
    env: false,
    help: '',
    note: 'a dictionary is made of one platform, see --platform',
  },
  BUILDER_NOTE_FLAG,
  ...SOURCE_BACKEND_FLAGS.map((flag) => ({ ...flag, unsupported: BACKEND })),
  ...['backend-type', 'backend-config', 'backend-config-file'].map((name) => ({
    name,
    value: 'value',
    help: '',
    unsupported: BACKEND,
  })),
]
