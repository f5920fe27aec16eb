// SPDX-License-Identifier: Apache-2.0
/** Flags that several commands share: which images, how to reach them, how to push, where blobs are. */

import { durationFlag, type Flag, type FlagValues, numberFlag, sizeFlag } from './flag.ts'
import { usage } from './usage.ts'

/** One image to read from. */
export const SOURCE_FLAGS: readonly Flag[] = [
  {
    name: 'source',
    value: 'image',
    help: 'reference, oci:DIR[:tag], oci-archive:FILE, docker-archive:FILE or file://FILE',
  },
  { name: 'source-insecure', help: 'accept any certificate and plain HTTP from the source' },
]

/** One image to write. */
export const TARGET_FLAGS: readonly Flag[] = [
  { name: 'target', value: 'image', help: 'reference, oci:DIR[:tag], oci-archive:FILE or file://FILE' },
  { name: 'target-insecure', help: 'accept any certificate and plain HTTP from the target' },
]

/** How to speak to registries. */
export const PLAIN_HTTP_FLAG: Flag = { name: 'plain-http', help: 'speak plain HTTP to registries' }

/** Which image of an index. */
export const PLATFORM_FLAG: Flag = {
  name: 'platform',
  value: 'platform',
  env: false,
  help: "which image of an index, e.g. linux/amd64 (default this machine's)",
}

/** How to push. */
export const PUSH_FLAGS: readonly Flag[] = [
  {
    name: 'push-chunk-size',
    value: 'size',
    default: '0MB',
    env: false,
    help: 'upload blobs in pieces of this size; 0 is one request a blob',
  },
  { name: 'push-retry-count', value: 'n', default: '3', help: 'retries of a failed push' },
  { name: 'push-retry-delay', value: 'duration', default: '5s', help: 'wait before the first retry' },
]

/** Where the blobs of the source are, when they are not beside its manifest. */
export const SOURCE_BACKEND_FLAGS: readonly Flag[] = [
  {
    name: 'source-backend-type',
    value: 'type',
    env: 'BACKEND_TYPE',
    help: "where the source's blobs are, when not beside its manifest: registry or localfs",
  },
  {
    name: 'source-backend-config',
    value: 'json',
    env: 'BACKEND_CONFIG',
    help: 'configuration of that place, as in a nydusd configuration file',
  },
  {
    name: 'source-backend-config-file',
    value: 'file',
    env: 'BACKEND_CONFIG_FILE',
    help: 'the same from a file',
  },
]

/** Prints the result for programs. */
export const JSON_FLAG: Flag = {
  name: 'json',
  env: false,
  help: 'print the result as JSON on the standard output',
}

/** Flags that name programs of the original: nothing is run here. */
export const BUILDER_NOTE_FLAG: Flag = {
  name: 'nydus-image',
  value: 'path',
  help: '',
  note: 'the builder is built in, no other program is run',
}

/** A flag that must be there. @throws {NydusError} ERR_USAGE */
export function needFlag(flags: FlagValues, name: string, hint: string): string {
  const value = flags.text(name)
  if (value !== undefined) return value
  throw usage(`--${name} is missing`, hint)
}

/** What `PUSH_FLAGS` say. @throws {NydusError} ERR_USAGE */
export function pushOptionsOf(flags: FlagValues) {
  return {
    pushChunkBytes: sizeFlag('push-chunk-size', flags.text('push-chunk-size') ?? '0'),
    pushRetryCount: numberFlag('push-retry-count', flags.text('push-retry-count') ?? '3'),
    pushRetryDelayMs: durationFlag('push-retry-delay', flags.text('push-retry-delay') ?? '5s'),
  }
}

/** What `--platform` (a list) and `--all-platforms` say. */
export function platformsOf(flags: FlagValues): readonly string[] | 'all' {
  if (flags.isSet('all-platforms')) return 'all'
  const names = (flags.text('platform') ?? '').split(',').map((name) => name.trim())
  return names.filter((name) => name !== '')
}
