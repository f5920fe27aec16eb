// SPDX-License-Identifier: Apache-2.0
/** The flags of `check` and `mount`. */
import type { Flag } from './flag.ts'

const BACKEND =
  'blobs are read from the registry or layout of the image; other places come with a later version'

/** Flags that tell where blobs are, of all sides. */
const BACKEND_FLAGS: readonly Flag[] = ['', 'source-', 'target-'].flatMap((side) => [
  { name: `${side}backend-type`, value: 'type', env: 'BACKEND_TYPE', help: '', unsupported: BACKEND },
  { name: `${side}backend-config`, value: 'json', env: 'BACKEND_CONFIG', help: '', unsupported: BACKEND },
  {
    name: `${side}backend-config-file`,
    value: 'file',
    env: 'BACKEND_CONFIG_FILE',
    help: '',
    unsupported: BACKEND,
  },
])

const TARGET_INSECURE: Flag = {
  name: 'target-insecure',
  help: 'accept any certificate and plain HTTP from the target',
}
const PLAIN_HTTP: Flag = { name: 'plain-http', help: 'speak plain HTTP to registries' }
const PLATFORM: Flag = {
  name: 'platform',
  value: 'platform',
  env: false,
  help: 'which image of an index, e.g. linux/amd64',
}

/** In the order of the help. */
export const CHECK_FLAGS: readonly Flag[] = [
  { name: 'source', value: 'image', help: 'the OCI image; without it only the target itself is checked' },
  { name: 'target', value: 'image', help: 'the Nydus image' },
  { name: 'source-insecure', help: 'accept any certificate and plain HTTP from the source' },
  TARGET_INSECURE,
  PLAIN_HTTP,
  PLATFORM,
  { name: 'mount', env: false, help: 'compare through a real mount as well (root)' },
  { name: 'work-dir', value: 'directory', help: 'keep manifests, configs and the bootstrap here' },
  { name: 'json', env: false, help: 'print the report as JSON on the standard output' },
  { name: 'multi-platform', help: '', note: 'one platform is checked, see --platform' },
  { name: 'nydus-image', value: 'path', help: '', note: 'the checker is built in, no other program is run' },
  { name: 'nydusd', value: 'path', help: '', note: 'the daemon is built in, no other program is run' },
  ...BACKEND_FLAGS,
]

/** In the order of the help. */
export const MOUNT_FLAGS: readonly Flag[] = [
  { name: 'target', value: 'image', help: 'same as the argument IMAGE' },
  { name: 'mount-path', value: 'directory', help: 'same as the argument DIR' },
  TARGET_INSECURE,
  PLAIN_HTTP,
  PLATFORM,
  { name: 'cache-dir', value: 'directory', help: 'keep fetched data here for the next mount' },
  {
    name: 'work-dir',
    value: 'directory',
    default: './tmp',
    help: 'place of the cache when --cache-dir is not given',
  },
  {
    name: 'prefetch',
    help: '',
    unsupported: 'data is fetched when it is read; prefetching comes with a later version',
  },
  { name: 'nydusd', value: 'path', help: '', note: 'the daemon is built in, no other program is run' },
  ...BACKEND_FLAGS,
]
