// SPDX-License-Identifier: Apache-2.0
import type { Flag } from './flag.ts'
import { JSON_FLAG, PLAIN_HTTP_FLAG, PLATFORM_FLAG } from './image-flags.ts'

/** The flags of `inspect`, in the order of the help. */
export const INSPECT_FLAGS: readonly Flag[] = [
  PLATFORM_FLAG,
  { name: 'recursive', short: 'R', env: false, help: 'ls: everything below the directory' },
  { name: 'depth', value: 'n', env: false, help: 'du: levels of directories to show (default 1)' },
  JSON_FLAG,
  { name: 'insecure', env: false, help: 'accept any certificate and plain HTTP' },
  PLAIN_HTTP_FLAG,
  {
    name: 'backend-type',
    value: 'type',
    help: 'where blobs are, when not beside the manifest: registry or localfs',
  },
  {
    name: 'backend-config',
    value: 'json',
    help: 'configuration of that place, as in a nydusd configuration file',
  },
  { name: 'backend-config-file', value: 'file', help: 'the same from a file' },
]
