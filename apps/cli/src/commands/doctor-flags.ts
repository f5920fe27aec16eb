// SPDX-License-Identifier: Apache-2.0
import type { Flag } from './flag.ts'
import { JSON_FLAG, PLAIN_HTTP_FLAG, PLATFORM_FLAG } from './image-flags.ts'

/** The flags of `doctor`, in the order of the help. */
export const DOCTOR_FLAGS: readonly Flag[] = [
  {
    name: 'work-dir',
    value: 'directory',
    default: './tmp',
    help: 'place of temporary files and caches to look at',
  },
  { name: 'insecure', env: false, help: 'accept any certificate and plain HTTP' },
  PLAIN_HTTP_FLAG,
  PLATFORM_FLAG,
  JSON_FLAG,
]
