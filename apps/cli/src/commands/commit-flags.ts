// SPDX-License-Identifier: Apache-2.0
import type { Flag } from './flag.ts'
import { BUILDER_NOTE_FLAG, TARGET_FLAGS } from './image-flags.ts'

/** The flags of `commit`, so that its command lines are refused for the right reason. */
export const COMMIT_FLAGS: readonly Flag[] = [
  { name: 'containerd-address', value: 'socket', env: 'CONTAINERD_ADDR', help: "containerd's socket" },
  { name: 'namespace', short: 'n', value: 'name', help: "containerd's namespace" },
  { name: 'container', value: 'id', help: 'id of the container, or how it starts' },
  ...TARGET_FLAGS,
  { name: 'source-insecure', help: 'accept any certificate and plain HTTP from the source' },
  { name: 'maximum-times', value: 'n', help: 'most layers that commits may add' },
  { name: 'with-path', aliases: ['with-mount-path'], value: 'path', help: 'commit this mounted path too' },
  { name: 'work-dir', value: 'directory', help: 'place for temporary files' },
  BUILDER_NOTE_FLAG,
]
